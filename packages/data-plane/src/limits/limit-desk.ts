/**
 * The desk: where exchanges take room of their limits and give back what they did not need. Takes and ends reservations in memory,
 * writes each to the journal before it counts, and lets those wait, fairly between keys, for whom there is no room yet. How the
 * leases behind it come and go is the lease keeper's.
 */

import type { LimitUnit, PricePlan } from "@sluice/contract";
import type { Holder, Short as HolderShort, Moment, Reservation as Taken, Wish } from "@sluice/limits";
import type { Exchange } from "../exchange.ts";
import { type Journal, JournalUnavailable } from "../journal/journal.ts";
import type { JournalAmounts, JournalEvent } from "../journal/record.ts";
import type { Log } from "../log.ts";
import { heldMembers } from "../pipeline/settle.ts";
import type { Refusal } from "../refusal.ts";
import type { AttemptHold, Reservation } from "./attempt-hold.ts";
import { addToAccount, type Bill } from "./bill.ts";
import { chargeOf, type Worst } from "./charge.ts";
import type { Standing, Stood } from "./limit-headers.ts";
import type { AppliedRule } from "./limit-table.ts";
import { RaisedBounds } from "./raised-bounds.ts";
import { WaitingRoom } from "./waiting-room.ts";

export type { Wish };

/** What an attempt asks for. */
export type ReserveInput = {
  readonly attempt: string;
  /** Of the caller: keys wait fairly. */
  readonly key: string;
  readonly price: PricePlan | undefined;
  readonly worst: Worst | undefined;
  /** Money and tokens, of this attempt. */
  readonly wishes: readonly Wish[];
  /** Calls and slots, of the whole exchange; none that an earlier attempt has taken. */
  readonly callWishes: readonly Wish[];
  readonly exchange: Exchange;
};

export type Short = {
  readonly kind: "short";
  readonly of: AppliedRule;
  readonly shortage: "Exhausted" | "Reserved" | "Unavailable";
  /** What the call needs of it, and what it could have. */
  readonly amount: number;
  readonly roomAmount: number;
  readonly standing: Standing | undefined;
  readonly retryAfterMs: number | undefined;
  readonly nowWallMs: number;
};

export type Reserved = Taking | Short;
type Taking =
  | { readonly kind: "held"; readonly hold: AttemptHold; readonly callHold: Reservation | undefined }
  | { readonly kind: "failed"; readonly refusal: Refusal };

export type LimitDeskInput = {
  readonly holder: () => Holder;
  readonly journal: Journal;
  readonly moment: () => Moment;
  readonly log: Log;
  /** Something is short and should be asked for. */
  readonly onShort: () => void;
  /** Whether usage events still have room: a call that can't be recorded is not made. */
  readonly spoolState: () => "ok" | "folding" | "full";
};

/** The record answers within milliseconds; longer than this it is not there. */
const grantTimeoutMs = 2_500;
/** Those who wait try again this often, whatever is told meanwhile. */
const retryMs = 50;
const waitersMax = 10_000;

export class LimitDesk implements Disposable {
  readonly #input: LimitDeskInput;
  readonly #waiting = new WaitingRoom();
  #timer: NodeJS.Timeout | undefined;
  /** Of targets that have counted more than they could. */
  readonly raisedBounds = new RaisedBounds();
  #overruns = 0;

  constructor(input: LimitDeskInput) {
    this.#input = input;
  }

  /** Attempts that cost more than their bound, since the start. */
  get overruns(): number {
    return this.#overruns;
  }

  /** At once where there is room or none to wait for, which is nearly always. */
  reserve(input: ReserveInput): Reserved | Promise<Reserved> {
    const refusal = this.#unrecordable(input);
    if (refusal !== undefined) return { kind: "failed", refusal };
    const taken = this.#tryNow(input);
    if (taken.kind !== "short") return taken;
    this.#input.onShort();
    if (!isWorthWaiting(taken.shortage) || this.#waiting.size >= waitersMax) return this.#shortOf(taken);
    return this.#wait(input, this.#input.moment().nowMs);
  }

  /** An attempt has ended and another one follows. What it was charged is on the exchange's bill. */
  settle(hold: AttemptHold, costs: readonly number[], exchange: Exchange): void {
    // The record of an exchange that is killed between two attempts.
    this.#append({
      ...{ kind: "reserve" as const, attempt: exchange.id, exchange: heldMembers(exchange, exchange.attempts) },
      ...{ holds: callAmounts(exchange.callHolds), worst: figuresOf(exchange.bill), charged: chargesOf(exchange.bill) },
    });
    if (this.#append({ kind: "settle", attempt: hold.id, charges: chargesTo(hold, costs) })) this.#release(hold, costs);
  }

  /** The exchange is over, with its usage event. */
  finish(
    ended: { hold: AttemptHold; costs: readonly number[] } | undefined,
    { exchange, event }: { exchange: Exchange; event: JournalEvent },
  ): void {
    const { callHolds } = exchange;
    const calls = callHolds.map((hold) => ({ hold, costs: hold.parts.map(({ rule }) => callCost(rule.rule.unit)) }));
    const all = ended === undefined ? calls : [ended, ...calls];
    const charges = all.flatMap(({ hold, costs }) => chargesTo(hold, costs));
    if (all.length === 0) this.#append({ kind: "event", ...event });
    else if (!this.#append({ kind: "settle", attempt: ended?.hold.id ?? `${exchange.id}.calls`, charges, event }))
      return;
    const isOpenStill = this.#input.journal.state.openOf(exchange.id) !== undefined;
    if (isOpenStill) this.#append({ kind: "settle", attempt: exchange.id, charges: [] });
    for (const { hold, costs } of all) this.#release(hold, costs);
  }

  /** How the accounts of these rules stand; those that the record has not told of are left out. */
  stood(rules: readonly AppliedRule[]): Stood[] {
    const { nowMs } = this.#input.moment();
    const stood: Stood[] = [];
    for (const rule of rules) {
      const standing = this.#standing(rule, nowMs);
      if (standing !== undefined) stood.push({ rule, standing });
    }
    return stood;
  }

  /** The record has spoken, or room was given back. */
  serveWaiting(): void {
    if (this.#waiting.size > 0) this.#waiting.serveAll();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #unrecordable({ wishes, exchange }: ReserveInput): Refusal | undefined {
    const state = this.#input.spoolState();
    if (state === "ok") return undefined;
    const isBudgeted = wishes.some(({ of }) => of.plan.kind === "Budget");
    const mustRefuse = exchange.gateway?.plan.onOverflow === "Refuse" || (state === "full" && isBudgeted);
    return mustRefuse ? { code: "audit_unavailable" } : undefined;
  }

  #tryNow(input: ReserveInput): Taking | HolderShort {
    const { wishes, callWishes } = input;
    const moment = this.#input.moment();
    const holder = this.#input.holder();
    const own = wishes.length === 0 ? nothing : holder.admit(wishes, moment);
    if (own.kind === "short") {
      // What else is lacking is asked for in the same message.
      const calls = callWishes.length === 0 ? nothing : holder.admit(callWishes, moment);
      if (calls.kind !== "short") holder.settle(calls.reservation, zeros(calls.reservation), moment.nowMs);
      return own;
    }
    const calls = callWishes.length === 0 ? nothing : holder.admit(callWishes, moment);
    if (calls.kind === "short") {
      holder.settle(own.reservation, zeros(own.reservation), moment.nowMs);
      return calls;
    }
    const hold = holdOf(input, own.reservation, holder);
    const callHold = callWishes.length === 0 ? undefined : reservationOf(callWishes, calls.reservation, holder);
    if (this.#journalReserve(input, hold, callHold)) return { kind: "held", hold, callHold };
    holder.settle(own.reservation, zeros(own.reservation), moment.nowMs);
    holder.settle(calls.reservation, zeros(calls.reservation), moment.nowMs);
    return { kind: "failed", refusal: { code: "journal_unavailable" } };
  }

  #journalReserve({ attempt, exchange, worst }: ReserveInput, hold: AttemptHold, callHold: Reservation | undefined) {
    const own = hold.parts.map(({ account, amount }): [string, number] => [account, amount]);
    const holds = callHold === undefined ? own : [...own, ...callAmounts([callHold])];
    const { bill } = exchange;
    const { price } = hold;
    const killed = chargeOf(killedEnd, { price, worst, requestBytes: exchange.body.length });
    const heldNanoUsd = Number(killed.heldNanoUsd + (bill?.heldNanoUsd ?? 0n));
    return this.#append({
      ...{ kind: "reserve" as const, attempt, exchange: heldMembers(exchange, exchange.attempts + 1), holds },
      worst: {
        costNanoUsd: Number((killed.costNanoUsd ?? 0n) + (bill?.costNanoUsd ?? 0n)),
        ...(heldNanoUsd > 0 && { heldNanoUsd }),
        ...(price !== undefined && { price: price.version }),
      },
      ...(bill !== undefined && bill.charges.size > 0 && { charged: chargesOf(bill) }),
    });
  }

  #wait(input: ReserveInput, sinceMs: number): Promise<Reserved> {
    this.#timer ??= setInterval(() => this.#tick(), retryMs).unref();
    const { exchange } = input;
    const waitedMs = () => this.#input.moment().nowMs - sinceMs;
    return new Promise((resolve) => {
      const end = (outcome: Reserved) => {
        exchange.underWay = undefined;
        resolve(outcome);
        return true;
      };
      const attempt = () => {
        if (exchange.gone || exchange.refusal !== undefined)
          return end({ kind: "failed", refusal: exchange.refusal ?? { code: "draining" } });
        const taken = this.#tryNow(input);
        if (taken.kind !== "short") return end(taken);
        // The holder itself says so when nobody answers: a question that is still open after that time is one among many.
        const shortage = taken.shortage === "Unknown" && waitedMs() >= grantTimeoutMs ? "Reserved" : taken.shortage;
        const patienceMs = shortage === "Reserved" ? taken.of.plan.maxWaitMs : grantTimeoutMs;
        if (isWorthWaiting(shortage) && waitedMs() < patienceMs) {
          this.#input.onShort();
          return false;
        }
        return end(this.#shortOf({ ...taken, shortage }));
      };
      exchange.underWay = {
        abort: (why) => {
          if (why === "revoked") exchange.refusal = { code: "key_revoked", key: exchange.caller?.id ?? "" };
          if (why === "draining") exchange.refusal = { code: "draining" };
          this.#waiting.expire((waiter) => waiter.attempt === attempt && attempt());
        },
      };
      this.#waiting.enter({ key: input.key, attempt });
    });
  }

  #tick(): void {
    if (this.#waiting.size > 0) {
      // In turn, as ever; then whoever is left is asked whether its time is over.
      this.#waiting.serveAll();
      // Whose patience is over need not be the first in its line.
      this.#waiting.expire((waiter) => waiter.attempt());
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #release({ taken, holder }: Reservation, costs: readonly number[]): void {
    const overruns = holder.settle(taken, costs, this.#input.moment().nowMs);
    for (const { account, reserved, cost } of overruns) {
      this.#overruns++;
      this.#input.log.error("a call cost more than its bound: the provider counted more than it can", {
        ...{ account, reserved, cost },
      });
    }
    this.serveWaiting();
  }

  #shortOf({ of, shortage, amount, retryAfterMs }: HolderShort): Short {
    const { nowMs, wallMs } = this.#input.moment();
    const found = this.#input.holder().standing(of.key, nowMs);
    return {
      ...{ kind: "short", of, amount, nowWallMs: wallMs },
      shortage: shortage === "Unknown" ? "Unavailable" : shortage,
      roomAmount: found === undefined ? 0 : Number(found.free) + found.room,
      standing: this.#standing(of, nowMs),
      retryAfterMs: retryAfterMs ?? undefined,
    };
  }

  #standing({ key, rule }: AppliedRule, nowMs: number): Standing | undefined {
    const found = this.#input.holder().standing(key, nowMs);
    if (found === undefined) return undefined;
    const [amount, spent, free] = [Number(found.amount), Number(found.spent), Number(found.free)];
    // Nothing of a share is ever spent: it is lent, and there again after a while.
    if (rule.window.kind === "share") {
      const remaining = Math.min(amount, free + found.room);
      return { amount, spent: 0, remaining, reserved: amount - remaining, endsInMs: found.endsInMs };
    }
    const remaining = Math.max(0, amount - spent);
    // What this process has ahead and uses for no call is not reserved.
    const reserved = Math.max(0, remaining - free - found.room);
    return { amount, spent, remaining, reserved, endsInMs: found.endsInMs };
  }

  #append(record: Parameters<Journal["append"]>[0]): boolean {
    try {
      this.#input.journal.append(record);
      return true;
    } catch (error) {
      if (error instanceof JournalUnavailable) return false;
      throw error;
    }
  }
}

/** What is exhausted stays so; who does not answer is not waited for by every call. */
function isWorthWaiting(shortage: HolderShort["shortage"]): boolean {
  return shortage === "Reserved" || shortage === "Unknown";
}

/** What is made of an attempt whose process did not live to see its end. */
const killedEnd = { kind: "Unknown", reason: "ProcessKilled", usage: undefined, outputTextBytes: 0 } as const;

const nothing = { kind: "reserved" as const, reservation: { holds: [], isOpen: false } };

function zeros(taken: Taken): number[] {
  return taken.holds.map(() => 0);
}

function holdOf({ attempt, price, worst, wishes }: ReserveInput, taken: Taken, holder: Holder): AttemptHold {
  return { id: attempt, price, worst, ...reservationOf(wishes, taken, holder) };
}

function reservationOf(wishes: readonly Wish[], taken: Taken, holder: Holder): Reservation {
  const parts = taken.holds.map(({ account, amount }, index) => ({
    ...{ account, amount, rule: (wishes[index] as Wish).of as AppliedRule },
  }));
  return { parts, taken, holder };
}

/** A call counts once it was admitted; slots are of the moment. */
export function callCost(unit: LimitUnit): number {
  return unit === "requests" ? 1 : 0;
}

function callAmounts(callHolds: readonly Reservation[]): [string, number][] {
  const parts = callHolds.flatMap((hold) => hold.parts).filter(({ rule }) => rule.rule.unit === "requests");
  return parts.map(({ account, amount }) => [account, amount]);
}

/** Shares are not settled: they are of the moment. */
function chargesTo({ parts }: Reservation, costs: readonly number[]): JournalAmounts {
  const charges: [string, number][] = [];
  parts.forEach(({ rule, account }, index) => {
    const cost = costs[index] ?? 0;
    if (cost > 0 && rule.rule.window.kind !== "share") charges.push([account, cost]);
  });
  return charges;
}

function chargesOf(bill: Bill | undefined): JournalAmounts {
  return bill === undefined ? [] : [...bill.charges];
}

function figuresOf(bill: Bill | undefined) {
  return {
    ...(bill?.costNanoUsd !== undefined && { costNanoUsd: Number(bill.costNanoUsd) }),
    ...(bill !== undefined && bill.heldNanoUsd > 0n && { heldNanoUsd: Number(bill.heldNanoUsd) }),
    ...(bill?.price !== undefined && { price: bill.price }),
  };
}

/** What each account of an attempt is charged, in the order of its parts; it goes on the bill. */
export function billParts({ parts }: Reservation, bill: Bill, amountOf: (unit: LimitUnit) => number): number[] {
  return parts.map(({ rule, account }) => {
    const amount = amountOf(rule.rule.unit);
    if (rule.rule.window.kind !== "share" && amount > 0) addToAccount(bill, account, amount);
    return amount;
  });
}
