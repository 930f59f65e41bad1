/**
 * LeaseService: the record's end of the bus. It gathers the requests of a moment, has them answered together, and does what the
 * record has to do unasked: writes off the silent, ends the hold after a new epoch, forgets old accounts, checks that they agree
 * with the ledger. Any number of replicas may do so at once.
 */

import {
  accountId,
  type Bus,
  type Family,
  type LeaseRecall,
  type LeaseReply,
  type LeaseRequest,
  type LimitPlan,
} from "@sluice/contract";
import { type AccountState, type AmountOf, amountOf, type WindowState } from "@sluice/limits";
import { type Clock, sleep } from "../clock.ts";
import type { Log } from "../log.ts";
import type { LeaseStore } from "../store/lease-store.ts";
import type { Store } from "../store/store.ts";
import { type Agreement, checkAgreement } from "./agreement.ts";
import { answerBatch, type BatchPorts } from "./answer-batch.ts";
import { bringInLine, type LimitsInForce } from "./limit-desk.ts";
import { readRequest } from "./read-request.ts";
import { countThoseUnheard, writeOffSilent } from "./silence.ts";

export type LeaseServicePorts = {
  readonly bus: Pick<Bus, "requests" | "signals">;
  readonly store: LeaseStore & Pick<Store, "latestRevision">;
  readonly clock: Clock;
  readonly random: { bytes(count: number): Uint8Array };
  readonly log: Log;
  readonly amountOf?: AmountOf;
  /** What was just written; `exhausted`: ids of accounts that had no room for what was asked. */
  readonly onBooked?: (accounts: readonly AccountState[], exhausted: readonly string[]) => void;
};

const gatherMs = 5;
const batchMax = 64;
/** Requests that wait; beyond, their askers ask again later. */
const waitingMax = 4_096;
const choresEveryMs = 2_000;
/** Longer than this between two rounds of chores, and this process was not listening. */
const pausedMs = 10_000;
const probeWithinMs = 1_000;
const agreementEveryMs = 24 * 3_600_000;
/** A control plane that is started anew every day checks too. */
const firstAgreementAfterMs = 600_000;
/** Of windows that ended not too lately for their records to have come. */
const agreementAgeMs = 3_600_000;
const keepAccountsMs = 40 * 24 * 3_600_000;

type Waiting = {
  readonly request: LeaseRequest;
  readonly resolve: (reply: LeaseReply) => void;
  readonly reject: (error: unknown) => void;
};

export class LeaseService implements AsyncDisposable {
  readonly #ports: LeaseServicePorts;
  readonly #batchPorts: BatchPorts;
  readonly #closing = new AbortController();
  readonly #waiting: Waiting[] = [];
  readonly #windows = new Map<string, WindowState>();
  #inForce: LimitsInForce & { readonly revision: number | undefined } = {
    ...{ limits: new Map(), openings: new Map(), revision: undefined },
  };
  #bringing: Promise<void> = Promise.resolve();
  #answering: Promise<void> | undefined;
  #cancelGather: (() => void) | undefined;
  #listening: AsyncDisposable | undefined;
  #chores: Promise<void> | undefined;
  #cancelChores: (() => void) | undefined;
  /** Silence counts from here on: before, the record could not hear. */
  #hearingSinceMs: number;
  #isDeaf = false;
  #choresAtMs: number;
  #checkedAtMs: number;
  #disagreements = 0;
  #lastAgreement: Agreement | undefined;

  constructor(ports: LeaseServicePorts) {
    const { store, clock, log } = ports;
    this.#ports = ports;
    this.#batchPorts = {
      ...{ store, log, nowMs: clock.nowMs, amountOf: ports.amountOf ?? amountOf },
      sleep: (ms) => sleep(clock, ms, this.#closing.signal),
      random: () => (ports.random.bytes(1)[0] ?? 0) / 256,
    };
    this.#hearingSinceMs = this.#choresAtMs = clock.nowMs();
    this.#checkedAtMs = this.#choresAtMs - agreementEveryMs + firstAgreementAfterMs;
  }

  /** Accounts that did not agree with the ledger, since the start. */
  get disagreements(): number {
    return this.#disagreements;
  }

  /** What the last nightly check found. */
  get lastAgreement(): Agreement | undefined {
    return this.#lastAgreement;
  }

  get hearingSinceMs(): number {
    return this.#hearingSinceMs;
  }

  /**
   * Before a snapshot with these limits is published. From the first time on, requests are answered. `revision`: that they are
   * of; newer ones of other replicas are followed then.
   */
  useLimits(plans: readonly LimitPlan[], revision?: number): Promise<void> {
    const bringing = this.#bringing.then(() => this.#bring(plans, revision));
    this.#bringing = bringing.catch(() => undefined);
    return bringing;
  }

  async #bring(plans: readonly LimitPlan[], revision: number | undefined): Promise<void> {
    if (revision !== undefined && revision < (this.#inForce.revision ?? 0)) return;
    this.#inForce = { ...(await bringInLine(this.#recordPorts(), plans)), revision };
    this.#windows.clear();
    if (this.#listening !== undefined || this.#closing.signal.aborted) return;
    this.#listening = await this.#ports.bus.requests("leases").answer((value) => this.#answer(value));
    this.#runChoresIn(choresEveryMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#cancelGather?.();
    this.#cancelChores?.();
    await this.#listening?.[Symbol.asyncDispose]();
    await this.#answering;
    await this.#chores;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("The control plane is closing"));
  }

  #recordPorts() {
    const { store, clock, log } = this.#ports;
    return { store, log, nowMs: clock.nowMs };
  }

  async #answer(value: Uint8Array): Promise<Uint8Array> {
    // The probe of some replica: whether requests get here.
    if (value.length === 0) return value;
    const request = readRequest(value, this.#inForce.limits);
    if (this.#waiting.length >= waitingMax) throw new Error("More lease requests wait than can be answered");
    const { promise, resolve, reject } = Promise.withResolvers<LeaseReply>();
    this.#waiting.push({ request, resolve, reject });
    this.#gather();
    return Buffer.from(JSON.stringify(await promise));
  }

  #gather(): void {
    if (this.#answering !== undefined || this.#closing.signal.aborted) return;
    if (this.#waiting.length >= batchMax) return this.#answerAll();
    this.#cancelGather ??= this.#ports.clock.after(gatherMs, () => this.#answerAll());
  }

  #answerAll(): void {
    this.#cancelGather?.();
    this.#cancelGather = undefined;
    if (this.#answering !== undefined) return;
    this.#answering = this.#answerBatches().finally(() => {
      this.#answering = undefined;
      if (this.#waiting.length > 0) this.#gather();
    });
  }

  async #answerBatches(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#closing.signal.aborted) {
      const batch = this.#waiting.splice(0, batchMax);
      try {
        const requests = batch.map(({ request }) => request);
        const answered = await answerBatch(this.#batchPorts, { requests, ...this.#inForce, windows: this.#windows });
        this.#heard();
        if (answered === "outdated") {
          await this.#followRevision();
          this.#waiting.unshift(...batch);
          continue;
        }
        const { replies, recalls, booked } = answered;
        for (const [place, { resolve, reject }] of batch.entries()) {
          const reply = replies[place];
          if (reply === undefined) reject(new Error("A lease request was left without a reply"));
          else resolve(reply);
        }
        const exhausted = replies.flatMap(exhaustedIn);
        if (booked.length + exhausted.length > 0) this.#ports.onBooked?.(booked, exhausted);
        if (recalls.length > 0) await this.recall(recalls);
      } catch (error) {
        this.#isDeaf = true;
        this.#ports.log.error("lease requests could not be answered", { requests: batch.length, error });
        for (const { reject } of batch) reject(error);
      }
    }
  }

  async #followRevision(): Promise<void> {
    const latest = await this.#ports.store.latestRevision();
    if (latest !== undefined) await this.useLimits(latest.snapshot.limits ?? [], latest.revision);
  }

  /** Data planes give back what lies idle of these. */
  async recall(families: readonly Family[]): Promise<void> {
    const recall: LeaseRecall = {
      families: families.map(({ limit, rule, values }) => ({ limit, rule, values: [...values] })),
    };
    try {
      await this.#ports.bus.signals("recalls").send(Buffer.from(JSON.stringify(recall)));
    } catch (error) {
      // Replies of the next second tell it too.
      this.#ports.log.warn("a recall could not be sent", { error });
    }
  }

  /** The database answered: whoever was silent while it did not is not to blame. */
  #heard(): void {
    if (!this.#isDeaf) return;
    this.#isDeaf = false;
    this.#hearingSinceMs = this.#ports.clock.nowMs();
  }

  #runChoresIn(ms: number): void {
    if (this.#closing.signal.aborted) return;
    this.#cancelChores = this.#ports.clock.after(ms, () => {
      this.#chores = this.#doChores().finally(() => this.#runChoresIn(choresEveryMs));
    });
  }

  async #doChores(): Promise<void> {
    const { clock, log } = this.#ports;
    const nowMs = clock.nowMs();
    const pauseMs = nowMs - this.#choresAtMs;
    // Stopped, suspended, or the clock was moved.
    if (pauseMs > pausedMs || pauseMs < 0) this.#isDeaf = true;
    this.#choresAtMs = nowMs;
    try {
      await this.#ports.bus.requests("leases").ask(new Uint8Array(0), probeWithinMs);
      const isGranting = await countThoseUnheard(this.#recordPorts());
      this.#heard();
      const { limits } = this.#inForce;
      if (isGranting) await writeOffSilent(this.#recordPorts(), { limits, hearingSinceMs: this.#hearingSinceMs });
      await this.#keepOrder(nowMs);
    } catch (error) {
      this.#isDeaf = true;
      if (!this.#closing.signal.aborted) log.error("the record's chores could not be done", { error });
    }
  }

  async #keepOrder(nowMs: number): Promise<void> {
    if (nowMs - this.#checkedAtMs < agreementEveryMs) return;
    const { store, log } = this.#ports;
    const untilMs = nowMs - agreementAgeMs;
    this.#checkedAtMs = nowMs;
    this.#lastAgreement = await checkAgreement({ store, log }, { sinceMs: untilMs - agreementEveryMs, untilMs });
    this.#disagreements += this.#lastAgreement.differing.length;
    await store.forgetAccounts(nowMs - keepAccountsMs);
  }
}

function exhaustedIn(reply: LeaseReply): string[] {
  if (reply.kind !== "answered") return [];
  return reply.leases.flatMap(({ family, window, shortage }) =>
    shortage === "Exhausted" ? [accountId(family, window)] : [],
  );
}
