/** The record of limits in memory: answers lease requests as the control plane does, from rows in maps. */

import { createHash } from "node:crypto";
import {
  type Bus,
  type Family,
  type LeaseReply,
  type LeaseRequest,
  type LimitPlan,
  leaseRequest,
  readAccountId,
} from "@sluice/contract";
import {
  type AccountState,
  amountOf,
  answer,
  committedOf,
  type EpochState,
  type SessionState,
  spentOf,
  type WindowState,
} from "@sluice/limits";

export type AccountFigures = { readonly spent: bigint; readonly committed: bigint };

export class MemoryRecord {
  readonly accounts = new Map<string, AccountState>();
  readonly sessions = new Map<string, SessionState>();
  readonly #windows = new Map<string, WindowState>();
  readonly #epoch: EpochState = { version: 1, epoch: "first", sinceMs: 0, doubled: true };
  #limits: ReadonlyMap<string, LimitPlan> = new Map();
  /** Nobody answers. */
  isAway = false;
  /** Requests that came, answered or not. */
  asked = 0;

  /** What is asked, before it is answered. */
  onRequest: (request: LeaseRequest) => void = () => undefined;

  async listen(bus: Bus): Promise<void> {
    await bus.requests("leases").answer(async (value) => {
      this.asked++;
      if (this.isAway) throw new Error("the record is away");
      const { reply, recalls } = this.answer(leaseRequest.parse(JSON.parse(Buffer.from(value).toString())), Date.now());
      if (recalls.length > 0)
        await bus.signals("recalls").send(Buffer.from(JSON.stringify({ families: recalls.map(copied) })));
      return Buffer.from(JSON.stringify(reply));
    });
  }

  answer(request: LeaseRequest, nowMs: number): { reply: LeaseReply; recalls: readonly Family[] } {
    this.onRequest(request);
    const { replies, changed, recalls } = answer({
      ...{ requests: [request], limits: this.#limits, amountOf, nowMs, hash },
      view: { epoch: this.#epoch, sessions: this.sessions, windows: this.#windows, accounts: this.accounts },
    });
    for (const row of changed.sessions) this.sessions.set(row.session, { ...row, version: row.version + 1 });
    for (const row of changed.windows) this.#windows.set(row.rule, { ...row, version: row.version + 1 });
    for (const row of changed.accounts) this.accounts.set(row.id, { ...row, version: row.version + 1 });
    return { reply: replies[0] as LeaseReply, recalls };
  }

  useLimits(limits: readonly LimitPlan[]): void {
    this.#limits = new Map(limits.map((plan) => [plan.uid, plan]));
  }

  /** All accounts of a limit together, and of one rule if it has several. */
  of(limit: string, rule?: string): AccountFigures {
    const mine = [...this.accounts.values()].filter(({ id }) => {
      const family = readAccountId(id)?.family;
      return family?.limit === limit && (rule === undefined || family.rule === rule);
    });
    return { spent: sum(mine.map(spentOf)), committed: sum(mine.map(committedOf)) };
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function copied<T extends { readonly values: readonly string[] }>(family: T) {
  return { ...family, values: [...family.values] };
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
