/**
 * What a holder knows of one family besides its leases: how fast it is used, what calls are short of, when to ask again.
 *
 * Thin families (used less than once in 10 s) are granted what a call needs, call by call. Fat ones are leased ahead: from
 * twice a call's need, doubling with each grant, up to what a minute takes.
 */

import type { Family, LeaseTotals, LimitPlan, LimitRule, Shortage } from "@sluice/contract";
import type { HeldLease } from "./held-lease.ts";

/** A rule that an attempt is charged under, and the family of its values. */
export type Applied = {
  readonly plan: LimitPlan;
  readonly rule: LimitRule;
  readonly family: Family;
  /** `familyKey` of the family. */
  readonly key: string;
};

export type FamilyBook = {
  readonly key: string;
  readonly family: LeaseTotals["family"];
  plan: LimitPlan;
  rule: LimitRule;
  current: HeldLease | undefined;
  next: HeldLease | undefined;
  /** The record has put it to the other values of this window. */
  alias: FamilyBook | undefined;
  aliasUntilMs: number;
  /** Limit, rule or selector are gone: nothing is asked for. */
  isGone: boolean;

  lastUsedMs: number;
  intervalMs: number;
  burnPerMs: number;
  burnAtMs: number;
  /** The dearest of late. */
  lastAmount: number;
  stepAmount: number;

  /** Of calls that wait: the largest one's, and all of them. */
  need: number;
  sum: number;
  neededAtMs: number;
  /** By the wall clock: until when the window lasts that amounts without a grant are booked in. */
  ungrantedUntilMs: number;
  isAskingAhead: boolean;
  isAskingNext: boolean;
  nextAskAtMs: number;
  /** What came for a waiting call is kept for it: not for long, or two holders that wait for each other wait for ever. */
  pinned: number;
  pinnedUntilMs: number;

  shortage: Shortage | undefined;
  shortNeed: number;
  /** When the window of that word ends: it says nothing of the next one. */
  shortEndsAtMs: number;
  /** No ask before. */
  shortUntilMs: number;
  backoffMs: number;
  askedAtMs: number;

  /** As the record last told them. */
  standing: { amount: bigint; spent: bigint; free: bigint } | undefined;
};

const thinIntervalMs = 10_000;
const horizonMs = 60_000;
const aheadMs = 2_000;
const burnOverMs = 10_000;
const backoffMinMs = 1_000;
const backoffMaxMs = 30_000;
const reservedRetryMs = 250;

export function newBook({ plan, rule, family, key }: Applied): FamilyBook {
  return {
    key,
    family: { limit: family.limit, rule: family.rule, values: [...family.values] },
    plan,
    rule,
    ...{ current: undefined, next: undefined, alias: undefined, aliasUntilMs: 0, isGone: false },
    ...{ lastUsedMs: Number.NEGATIVE_INFINITY, intervalMs: Number.POSITIVE_INFINITY, burnPerMs: 0, burnAtMs: 0 },
    ...{ lastAmount: 0, stepAmount: 0, need: 0, sum: 0, neededAtMs: 0 },
    ...{
      ungrantedUntilMs: 0,
      isAskingAhead: false,
      isAskingNext: false,
      nextAskAtMs: Number.POSITIVE_INFINITY,
      pinned: 0,
      pinnedUntilMs: 0,
    },
    ...{
      shortage: undefined,
      shortNeed: 0,
      shortEndsAtMs: 0,
      shortUntilMs: 0,
      backoffMs: 0,
      askedAtMs: Number.NEGATIVE_INFINITY,
      standing: undefined,
    },
  };
}

export function isThin(book: FamilyBook, nowMs: number): boolean {
  return book.intervalMs >= thinIntervalMs || nowMs - book.lastUsedMs >= thinIntervalMs;
}

/** An attempt begins. */
export function noteUse(book: FamilyBook, amount: number, nowMs: number): void {
  const interval = nowMs - book.lastUsedMs;
  const known = Math.min(book.intervalMs, 2 * thinIntervalMs);
  book.intervalMs = Number.isFinite(interval) ? 0.7 * known + 0.3 * interval : Number.POSITIVE_INFINITY;
  book.lastUsedMs = nowMs;
  book.lastAmount = amount;
}

/** An attempt has cost this much. */
export function noteCost(book: FamilyBook, cost: number, nowMs: number): void {
  book.burnPerMs = burnOf(book, nowMs) + cost / burnOverMs;
  book.burnAtMs = nowMs;
}

function burnOf(book: FamilyBook, nowMs: number): number {
  return book.burnPerMs * (burnOverMs / (burnOverMs + Math.max(0, nowMs - book.burnAtMs)));
}

/** Whether less than two seconds of its use are left. */
export function runsLow(book: FamilyBook, room: number, nowMs: number): boolean {
  return !isThin(book, nowMs) && room < Math.max(burnOf(book, nowMs) * aheadMs, book.lastAmount);
}

/** What to ask for beyond what is settled and reserved. */
export function wantOf(book: FamilyBook, nowMs: number): number {
  const need = Math.max(book.need, 0);
  if (isThin(book, nowMs)) return need;
  return Math.max(need, book.sum, Math.min(book.stepAmount, keepOf(book, nowMs)));
}

/** What is not idle of a family in use: a minute of it, or two calls. */
export function keepOf(book: FamilyBook, nowMs: number): number {
  return Math.ceil(Math.max(burnOf(book, nowMs) * horizonMs, 2 * book.lastAmount));
}

/** A call could not take its amount. */
export function noteNeed(book: FamilyBook, amount: number, nowMs: number): void {
  book.need = Math.max(book.need, amount);
  book.sum += amount;
  book.neededAtMs = nowMs;
}

export function forgetNeed(book: FamilyBook): void {
  book.need = 0;
  book.sum = 0;
}

export function noteGrant(book: FamilyBook): void {
  book.shortage = undefined;
  book.backoffMs = 0;
  book.shortUntilMs = 0;
  book.stepAmount = Math.max(2 * book.stepAmount, 2 * book.lastAmount);
}

/** From now on calls are answered from memory, until it is worth a question again. `random`: 0 to 1. */
export function noteShortage(
  book: FamilyBook,
  said: { shortage: Shortage; need: number; endsAtMs: number; nowMs: number; random: number },
): void {
  const { shortage, need, endsAtMs, nowMs, random } = said;
  const isExhausted = shortage === "Exhausted";
  book.backoffMs = isExhausted ? Math.min(backoffMaxMs, Math.max(backoffMinMs, 2 * book.backoffMs)) : 0;
  const waitMs = isExhausted ? book.backoffMs : reservedRetryMs;
  book.shortage = shortage;
  book.shortNeed = need;
  book.shortEndsAtMs = endsAtMs;
  book.shortUntilMs = Math.min(endsAtMs, nowMs + waitMs * (0.75 + random / 2));
  book.stepAmount = book.lastAmount;
  // Who still waits says so again. A call that needs less must not be kept from asking by the need of one that is refused now.
  forgetNeed(book);
}

/** The account has another amount now: what was refused may fit. */
export function forgetShortage(book: FamilyBook): void {
  book.shortage = undefined;
  book.backoffMs = 0;
  book.shortUntilMs = 0;
}

/** The shortage that a call of this amount is answered with at once. */
export function knownShortage(book: FamilyBook, amount: number, nowMs: number): Shortage | undefined {
  if (nowMs >= book.shortEndsAtMs) return undefined;
  // While one call waits for the record's word, the others have its last one.
  const isAsked = book.need > 0 || nowMs - book.askedAtMs < reservedRetryMs;
  if (book.shortage === "Exhausted" && isAsked && amount >= book.shortNeed) return "Exhausted";
  return nowMs < book.shortUntilMs && amount >= book.shortNeed ? book.shortage : undefined;
}

/** Whether its ask may go out: one probe at a time, and none before its time but for calls that need less than was refused. */
export function mayAsk(book: FamilyBook, nowMs: number): boolean {
  if (book.isGone || book.plan.mode !== "Enforce") return false;
  if (nowMs >= book.shortUntilMs) return true;
  return book.need > 0 && book.need < book.shortNeed && nowMs - book.askedAtMs >= reservedRetryMs;
}

/** The record does not grant just now, for a reason that is not the account's. */
export function noteHold(book: FamilyBook, { holdMs, nowMs }: { holdMs: number; nowMs: number }): void {
  book.shortage = "Reserved";
  book.shortNeed = 0;
  book.shortEndsAtMs = Number.POSITIVE_INFINITY;
  book.shortUntilMs = nowMs + holdMs;
}
