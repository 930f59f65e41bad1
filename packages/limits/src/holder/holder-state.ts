/** All that a holder keeps, and the few ways to reach into it. Whose session it is, `holder.ts` knows. */

import { accountId, type Family, familyKey } from "@sluice/contract";
import { type WindowBounds, windowAt } from "../window.ts";
import { type Applied, type FamilyBook, newBook } from "./family-book.ts";
import type { ForgottenWindows } from "./forgotten-windows.ts";
import { dropShare, type HeldLease, newLease } from "./held-lease.ts";

export type HolderState = {
  /** By `familyKey`. */
  readonly books: Map<string, FamilyBook>;
  /** By `accountId`. */
  readonly leases: Map<string, HeldLease>;
  /** By `familyKey`: those of windows that are over included. */
  readonly byFamily: Map<string, Set<HeldLease>>;
  /** Changed since they were last told. */
  readonly changed: Set<HeldLease>;
  /** Books with something to ask for. */
  readonly asking: Set<FamilyBook>;
  /** Of a predecessor, waiting for the first call of their family. */
  readonly adopted: Map<string, HeldLease>;
  /** By rule (`ruleName`): nothing of them is taken again. */
  readonly forgotten: ForgottenWindows;
  /** Something went back that others wait for. */
  isUrgent: boolean;
  /** Nobody answers. */
  isAway: boolean;
  /** Until when shares may be used without a further answer; by the monotonic clock. */
  sharesUntilMs: number;
  /** 0 to 1. */
  readonly random: () => number;
};

/** Families that a holder remembers; beyond, those without a lease are forgotten. */
const booksMax = 50_000;

/** The book of a rule's family or, where the record said so, of the other values. */
export function bookOf(state: HolderState, applied: Applied, nowMs: number): FamilyBook {
  const known = state.books.get(applied.key);
  const book = known ?? openBook(state, applied);
  if (book.plan !== applied.plan) {
    book.plan = applied.plan;
    book.rule = applied.rule;
    book.isGone = false;
  }
  if (book.alias === undefined) return book;
  if (nowMs < book.aliasUntilMs) return book.alias;
  book.alias = undefined;
  return book;
}

export function openBook(state: HolderState, applied: Applied): FamilyBook {
  if (state.books.size >= booksMax) forgetBooks(state);
  const book = newBook(applied);
  book.current = state.adopted.get(applied.key);
  state.adopted.delete(applied.key);
  state.books.set(applied.key, book);
  return book;
}

function forgetBooks(state: HolderState): void {
  for (const [key, book] of state.books)
    if (book.current === undefined && book.next === undefined && !state.asking.has(book)) state.books.delete(key);
}

/** The lease that an attempt of this moment may take from. A window is over for all who come after. */
export function usableLease(state: HolderState, book: FamilyBook, nowMs: number): HeldLease | undefined {
  const { next } = book;
  if (next !== undefined && nowMs >= next.usableFromMs) {
    replaceCurrent(state, book, next);
  }
  const lease = book.current;
  if (lease === undefined) return undefined;
  return isUsable(state, { book, lease, nowMs }) ? lease : undefined;
}

function isUsable(
  state: HolderState,
  { book, lease, nowMs }: { book: FamilyBook; lease: HeldLease; nowMs: number },
): boolean {
  if (nowMs < lease.usableFromMs || nowMs >= lease.usableUntilMs) return false;
  if (lease.share === "none") return true;
  // Cut off, a rate may go on with its last share; what was promised to nobody else is a rate, never money.
  return nowMs < state.sharesUntilMs || (state.isAway && book.plan.whenUnavailable === "Allow");
}

export function replaceCurrent(state: HolderState, book: FamilyBook, lease: HeldLease): void {
  const before = book.current;
  if (before !== undefined && before !== lease) {
    before.isEnded = true;
    state.changed.add(before);
  }
  if (book.next === lease) book.next = undefined;
  book.current = lease;
  lease.isEnded = false;
  book.nextAskAtMs = Number.POSITIVE_INFINITY;
}

/** For amounts that no record has granted: limits that refuse nothing, and those that let pass when nobody answers. */
export function ungrantedLease(state: HolderState, book: FamilyBook, wallMs: number): HeldLease {
  if (book.current !== undefined && wallMs < book.ungrantedUntilMs) return book.current;
  const { startsAtMs, endsAtMs } = windowAfter(book, state.forgotten.latest(ruleName(book.family)), wallMs);
  book.ungrantedUntilMs = endsAtMs ?? Number.POSITIVE_INFINITY;
  const lease = leaseOf(state, { family: book.family, key: book.key, window: startsAtMs, of: book.rule.window });
  if (lease !== book.current) replaceCurrent(state, book, lease);
  return lease;
}

/** A clock that goes back does not lead into a window whose amounts are forgotten here: they would be told anew, and too low. */
function windowAfter(book: FamilyBook, forgotten: number | undefined, wallMs: number): WindowBounds {
  const { window } = book.rule;
  const now = windowAt(window, wallMs);
  if (forgotten === undefined || now.endsAtMs === null || now.startsAtMs > forgotten) return now;
  return windowAt(window, windowAt(window, forgotten).endsAtMs ?? wallMs);
}

export function leaseOf(
  state: HolderState,
  { family, key, window, of }: { family: Family; key: string; window: number; of: Applied["rule"]["window"] },
): HeldLease {
  const id = accountId(family, window);
  const known = state.leases.get(id);
  if (known !== undefined) return known;
  const lease = newLease(family, { key, window, of });
  keepLease(state, lease);
  return lease;
}

export function keepLease(state: HolderState, lease: HeldLease): void {
  state.leases.set(lease.id, lease);
  const family = state.byFamily.get(lease.key);
  if (family === undefined) state.byFamily.set(lease.key, new Set([lease]));
  else family.add(lease);
}

export function dropLease(state: HolderState, lease: HeldLease): void {
  state.leases.delete(lease.id);
  const family = state.byFamily.get(lease.key);
  family?.delete(lease);
  if (family?.size === 0) state.byFamily.delete(lease.key);
}

/** Shares are over: the clocks have parted, or nobody answered for too long. */
export function dropShares(state: HolderState, nowMs: number): void {
  for (const lease of state.leases.values()) if (dropShare(lease, nowMs)) state.changed.add(lease);
}

/** The name of a rule among `forgotten`. */
export function ruleName(family: Family): string {
  return familyKey({ limit: family.limit, rule: family.rule, values: [] });
}
