/** A data plane's side of leases as far as tests of the record need it: requests with the totals that they say. */

import { createHash } from "node:crypto";
import type { Bus, Family, LeaseAsk, LeaseReply, LeaseRequest, LeaseTotals } from "@sluice/contract";

export type Asked = { readonly totals?: readonly LeaseTotals[]; readonly asks?: readonly LeaseAsk[] } & Partial<
  Pick<LeaseRequest, "whole" | "closing" | "epoch">
>;

export class LeaseAsker {
  readonly session: string;
  readonly #bus: Pick<Bus, "requests">;
  #sequence = 0;
  #epoch = "";

  constructor(bus: Pick<Bus, "requests">, name: string) {
    this.#bus = bus;
    this.session = createHash("md5").update(name).digest("hex");
  }

  get epoch(): string {
    return this.#epoch;
  }

  next({ totals = [], asks = [], ...more }: Asked): LeaseRequest {
    return {
      ...{ session: this.session, incarnation: 1, sequence: ++this.#sequence, secret: `of ${this.session}` },
      ...{ epoch: this.#epoch, instanceName: "pod", whole: false, closing: false },
      ...{ leases: [...totals], asks: [...asks], ...more },
    };
  }

  async send(request: LeaseRequest): Promise<LeaseReply> {
    const answer = await this.#bus.requests("leases").ask(Buffer.from(JSON.stringify(request)), 20_000);
    const reply = JSON.parse(Buffer.from(answer).toString()) as LeaseReply;
    if (reply.kind === "answered" || reply.kind === "epoch") this.#epoch = reply.epoch;
    return reply;
  }

  /** As a fresh session does after it has heard of the epoch. */
  async ask(asked: Asked): Promise<Extract<LeaseReply, { kind: "answered" }>> {
    const reply = await this.send(this.next(asked));
    if (reply.kind !== "answered") throw new Error(`answered by ${reply.kind}`);
    return reply;
  }
}

export function need(family: Family, amount: number, change: Partial<LeaseAsk> = {}): LeaseAsk {
  const { limit, rule, values } = family;
  return { family: { limit, rule, values: [...values] }, at: "Current", need: amount, want: amount, ...change };
}

export function totals(family: Family, change: Partial<LeaseTotals> = {}): LeaseTotals {
  const { limit, rule, values } = family;
  return {
    ...{ family: { limit, rule, values: [...values] }, window: 0, granted: 0, returned: 0, settled: 0, reserved: 0 },
    ...change,
  };
}
