/** What goes back without being asked for, and what is forgotten: once a second, and when others are short. */

import assert from "node:assert/strict";
import { type Family, familyKey } from "@sluice/contract";
import { type FamilyBook, isThin, keepOf } from "./family-book.ts";
import { type HeldLease, returnIdle } from "./held-lease.ts";
import { dropLease, type HolderState, ruleName } from "./holder-state.ts";

/** A lease that nobody uses for so long goes back as a whole. */
const idleMs = 30_000;
/** What came for a waiting call is there for it for so long. */
const graceMs = 1_000;

/** `isQuiet`: no request is under way, so what is told has been heard. */
export function sweep(
  state: HolderState,
  { nowMs, wallMs, isQuiet }: { nowMs: number; wallMs: number; isQuiet: boolean },
): void {
  for (const lease of state.leases.values()) {
    const book = state.books.get(lease.key);
    if (nowMs >= lease.endsAtMs && !lease.isEnded) end(state, lease, book);
    if (lease.isEnded) {
      if (giveBack(state, lease, { keep: 0, nowMs }) || state.changed.has(lease) || !isQuiet) continue;
      if (lease.reserved === 0 && isOver(lease, nowMs)) forget(state, lease);
      continue;
    }
    giveBack(state, lease, { keep: keptOf(lease, { book, nowMs }), nowMs });
    if (book?.current === lease) planNext(state, book, { lease, nowMs, wallMs });
  }
}

/** Thin families are served call by call: what a call did not need goes back with the next report. */
export function giveBackThin(state: HolderState, nowMs: number): void {
  for (const lease of state.changed) {
    const book = state.books.get(lease.key);
    if (book === undefined || isThin(book, nowMs))
      giveBack(state, lease, { keep: keptOf(lease, { book, nowMs }), nowMs });
  }
}

/** Others are short: all that no attempt uses goes back at once. */
export function giveBackTo(state: HolderState, families: readonly Family[], nowMs: number): void {
  for (const family of families) {
    const key = familyKey(family);
    const book = state.books.get(key);
    const keep = book !== undefined && nowMs < book.pinnedUntilMs ? book.pinned : 0;
    for (const lease of [book?.current, book?.next, state.adopted.get(key)])
      if (lease !== undefined && giveBack(state, lease, { keep, nowMs })) state.isUrgent = true;
    if (book !== undefined) book.stepAmount = book.lastAmount;
  }
}

function giveBack(state: HolderState, lease: HeldLease, { keep, nowMs }: { keep: number; nowMs: number }): boolean {
  const gave = returnIdle(lease, { keep, nowMs });
  if (gave) state.changed.add(lease);
  return gave;
}

function keptOf(lease: HeldLease, { book, nowMs }: { book: FamilyBook | undefined; nowMs: number }): number {
  const unusedMs = nowMs - lease.lastUsedMs;
  if (book === undefined || book.isGone) return unusedMs >= idleMs || book?.isGone ? 0 : Number.POSITIVE_INFINITY;
  const pinned = nowMs < book.pinnedUntilMs ? book.pinned : 0;
  if (unusedMs < graceMs) return Number.POSITIVE_INFINITY;
  if (unusedMs >= idleMs || isThin(book, nowMs)) return pinned;
  return Math.max(pinned, 2 * keepOf(book, nowMs));
}

function end(state: HolderState, lease: HeldLease, book: FamilyBook | undefined): void {
  lease.isEnded = true;
  state.changed.add(lease);
  if (book?.current === lease) book.current = undefined;
  if (book?.next === lease) book.next = undefined;
  if (state.adopted.get(lease.key) === lease) state.adopted.delete(lease.key);
}

/** An edit ends a lease too, and the next one may lead back to it: until its window is over it is remembered. */
function isOver({ window, endsAtMs }: HeldLease, nowMs: number): boolean {
  const hasNoEnd = endsAtMs === Number.POSITIVE_INFINITY;
  return hasNoEnd ? window !== 0 : nowMs >= endsAtMs;
}

function forget(state: HolderState, lease: HeldLease): void {
  dropLease(state, lease);
  state.forgotten.add(ruleName(lease.family), lease.window);
  const book = state.books.get(lease.key);
  assert(book?.current !== lease && book?.next !== lease, "what is forgotten is not in use");
  if (book !== undefined && book.current === undefined && book.next === undefined && !state.asking.has(book))
    state.books.delete(lease.key);
}

/** Families in use ask for the next window's lease within the last tenth of this one, each at its own moment. */
function planNext(
  state: HolderState,
  book: FamilyBook,
  { lease, nowMs, wallMs }: { lease: HeldLease; nowMs: number; wallMs: number },
): void {
  if (lease.endsAtMs === Number.POSITIVE_INFINITY || book.next !== undefined || isThin(book, nowMs)) return;
  if (book.nextAskAtMs === Number.POSITIVE_INFINITY) {
    const lengthMs = wallMs + lease.endsAtMs - nowMs - lease.window;
    book.nextAskAtMs = lease.endsAtMs - Math.max(0, lengthMs) * 0.1 * state.random();
  }
  if (nowMs < book.nextAskAtMs) return;
  book.isAskingNext = true;
  book.nextAskAtMs = nowMs + 5_000;
  state.asking.add(book);
}
