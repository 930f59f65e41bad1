/**
 * The lease keeper: carries the holder's requests to the record and its answers back, one at a time. What is given back or was
 * granted is in the journal before anybody acts on it. Decides nothing: the holder does.
 */

import {
  accountId,
  type Bus,
  type Family,
  type LeaseReply,
  type LimitPlan,
  leaseRecall,
  leaseReply,
  NoAnswer,
} from "@sluice/contract";
import { Holder, type Identity } from "@sluice/limits";
import type { Journal } from "../journal/journal.ts";
import type { JournalLease } from "../journal/record.ts";
import type { Log } from "../log.ts";

export type LeaseKeeperInput = {
  readonly bus: Bus;
  readonly journal: Journal;
  readonly holder: Holder;
  /** Of a session that begins anew, after somebody else has spoken with the name of this one. */
  readonly newIdentity: () => Identity;
  readonly random: () => number;
  readonly moment: () => { readonly nowMs: number; readonly wallMs: number };
  readonly log: Log;
  /** The record has spoken: those who wait may try again. */
  readonly onNews: () => void;
};

/** Reports are due every second; asks go at once. */
const tickMs = 100;
/** The record batches for 5 ms and commits; longer than this it is not there. */
const answerTimeoutMs = 2_500;
const pauseAfterSilenceMs = 250;
const forgetEveryMs = 30_000;

export class LeaseKeeper implements AsyncDisposable {
  readonly #input: LeaseKeeperInput;
  #holder: Holder;
  #limits: ReadonlyMap<string, LimitPlan> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #forgetTimer: NodeJS.Timeout | undefined;
  #recalls: AsyncDisposable | undefined;
  #sending: Promise<void> | undefined;
  #wasAway = false;
  /** A record that has not published its limits yet has nobody to answer: its silence would tell nothing. */
  #mayAsk = false;
  #closed = false;

  constructor(input: LeaseKeeperInput) {
    this.#input = input;
    this.#holder = input.holder;
  }

  get holder(): Holder {
    return this.#holder;
  }

  async start(): Promise<void> {
    this.#recalls = await this.#input.bus.signals("recalls").listen((value) => {
      const recall = leaseRecall.safeParse(parsed(value));
      if (!recall.success) return;
      this.#holder.onRecall(recall.data.families, this.#input.moment().nowMs);
      this.wake();
    });
    this.#timer = setInterval(() => this.wake(), tickMs).unref();
    this.#forgetTimer = setInterval(() => this.#forget(), forgetEveryMs).unref();
  }

  /** Something may be to be told or asked for. */
  wake(): void {
    if (this.#sending !== undefined || this.#closed || !this.#mayAsk) return;
    const sending = this.#sendAll()
      .catch((error: unknown) => this.#input.log.error("leases could not be asked for", { error }))
      .finally(() => {
        this.#sending = undefined;
      });
    this.#sending = sending;
  }

  useLimits(limits: readonly LimitPlan[]): void {
    this.#limits = new Map(limits.map((plan) => [plan.uid, plan]));
    this.#holder.useLimits(this.#limits);
    this.#mayAsk = true;
    this.wake();
  }

  /** The session's last word: all that is not settled goes back. What can't be told within `waitMs` stays counted as spent. */
  async close(waitMs: number): Promise<void> {
    this.#holder.close();
    this.#mayAsk = true;
    const until = performance.now() + waitMs;
    while (this.#holder.life === "closing" && performance.now() < until) {
      this.wake();
      await Promise.race([this.#sending, pause(20)]);
    }
    // Whoever comes after finds nothing to go on with; what was not heard, it tells again.
    if (this.#holder.life === "closed") this.#forgetAllBut(new Set());
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    clearInterval(this.#forgetTimer);
    await this.#recalls?.[Symbol.asyncDispose]();
  }

  async #sendAll(): Promise<void> {
    // After the exchange's own turn: those that come in one turn share an ask.
    await pause(0);
    while (!this.#closed) {
      if (this.#holder.life === "fenced" && !this.#beginsAnew()) return await pause(pauseAfterSilenceMs);
      const holder = this.#holder;
      const request = holder.nextRequest(this.#input.moment());
      if (request === undefined) return;
      const returned = request.leases
        .filter((lease) => lease.returned > 0)
        .map((lease): [string, number] => [accountId(lease.family, lease.window), lease.returned]);
      if (returned.length > 0 && !this.#journaled({ kind: "return", returned })) return;
      const reply = await this.#ask(Buffer.from(JSON.stringify(request)));
      if (this.#closed) return;
      if (reply === undefined) return await pause(pauseAfterSilenceMs);
      this.#take(reply);
    }
  }

  #take(reply: LeaseReply): void {
    const { log } = this.#input;
    const news = this.#holder.onReply(reply, this.#input.moment().nowMs);
    if (news === undefined) return;
    if (news.leases.length > 0) {
      const leases = news.leases.map(({ family, window, granted, returned, settled }) => ({
        ...{ key: accountId(family, window), granted, returned, settled },
        ...this.#shareOf(family),
      }));
      this.#journaled({ kind: "grant", leases });
    }
    if (this.#holder.life === "fenced") {
      log.error("somebody else has spoken with this instance's name; it begins a new session", {
        session: this.#holder.identity.session.slice(0, 8),
      });
      this.#beginsAnew();
    }
    this.#input.onNews();
  }

  /** False: the journal does not take it. Until it does, nothing is granted, as nothing could be proven. */
  #beginsAnew(): boolean {
    const identity = this.#input.newIdentity();
    try {
      this.#input.journal.changeSession(identity);
    } catch {
      return false;
    }
    this.#holder = new Holder(identity, this.#input.random);
    this.#holder.useLimits(this.#limits);
    return true;
  }

  async #ask(request: Uint8Array): Promise<LeaseReply | undefined> {
    const { bus, log } = this.#input;
    try {
      const answer = await bus.requests("leases").ask(request, answerTimeoutMs);
      if (this.#wasAway) log.info("the record answers again", {});
      this.#wasAway = false;
      return leaseReply.parse(parsed(answer));
    } catch (error) {
      if (this.#closed) return undefined;
      if (!this.#wasAway)
        log.warn("the record does not answer: leases are spent to their end", {
          reason: error instanceof NoAnswer ? error.message : String(error),
        });
      this.#wasAway = true;
      this.#holder.onNoAnswer();
      this.#input.onNews();
      return undefined;
    }
  }

  #shareOf({ limit, rule }: Family): Pick<JournalLease, "share" | "rateMs"> {
    const window = this.#limits.get(limit)?.rules.find((one) => one.name === rule)?.window;
    if (window?.kind !== "share") return {};
    return window.ms === undefined ? { share: "slots" } : { share: "rate", rateMs: window.ms };
  }

  /** Leases that the holder has forgotten are no news to a successor either. */
  #forget(): void {
    const kept = new Set(
      this.#holder.snapshot(this.#input.moment()).leases.map(({ family, window }) => accountId(family, window)),
    );
    this.#forgetAllBut(kept);
  }

  #forgetAllBut(kept: ReadonlySet<string>): void {
    const leases = [...this.#input.journal.state.leases].map(({ key }) => key).filter((key) => !kept.has(key));
    if (leases.length > 0) this.#journaled({ kind: "forget", leases });
  }

  #journaled(record: Parameters<Journal["append"]>[0]): boolean {
    try {
      this.#input.journal.append(record);
      return true;
    } catch {
      // The journal has told the log; what is not written is not acted on.
      return false;
    }
  }
}

function parsed(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString("utf8"));
  } catch {
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
