/**
 * Whether an attempt may run: every account that applies has room for its worst case, or none is touched. All in memory and in
 * one step; what is short is remembered, and asked for.
 */

import type { Shortage } from "@sluice/contract";
import { type Applied, type FamilyBook, knownShortage, noteCost, noteNeed, noteUse, runsLow } from "./family-book.ts";
import { type HeldLease, roomOf } from "./held-lease.ts";
import { bookOf, type HolderState, ungrantedLease, usableLease } from "./holder-state.ts";

export type Wish = { readonly of: Applied; readonly amount: number };

/** What an attempt holds of one account. Plain data, for the journal. */
export type Hold = {
  /** `accountId`. */
  readonly account: string;
  amount: number;
  /** Rates: the part of time that it is booked in. */
  readonly part: number;
  /** Nothing was refused for it, and nothing granted: a limit that warns, or one that lets pass when nobody answers. */
  readonly isUngranted: boolean;
};

export type Reservation = { readonly holds: readonly Hold[]; isOpen: boolean };

/**
 * `Exhausted`, `Reserved`: the record's word. `Unknown`: it has been asked just now, the answer comes or fails within moments.
 * `Unavailable`: nobody answers.
 */
export type ShortageKind = Shortage | "Unknown" | "Unavailable";

export type Short = {
  readonly kind: "short";
  readonly shortage: ShortageKind;
  readonly of: Applied;
  /** The account that is short: `of`'s own, or that of the other values. */
  readonly key: string;
  readonly amount: number;
  /** Until it is worth another try; null: never, but for an edit. */
  readonly retryAfterMs: number | null;
};

export type Admission = { readonly kind: "reserved"; readonly reservation: Reservation } | Short;

export type Moment = { readonly nowMs: number; readonly wallMs: number };

/** A call that waits keeps what it has of other accounts for so long, and then lets it go for longer than that. */
const pinMs = 250;

/** Between two asks for what nobody waits for yet. */
const aheadEveryMs = 250;

export function admit(state: HolderState, wishes: readonly Wish[], { nowMs, wallMs }: Moment): Admission {
  const holds: Hold[] = [];
  let short: Short | undefined;
  for (const wish of wishes) {
    const book = bookOf(state, wish.of, nowMs);
    const hold = short === undefined ? take(state, book, { wish, nowMs, wallMs }) : undefined;
    if (hold !== undefined) {
      holds.push(hold);
      continue;
    }
    const lease = usableLease(state, book, nowMs);
    if (lease !== undefined && roomOf(lease, nowMs) >= wish.amount) continue;
    if (short !== undefined && letsPass(state, book, nowMs)) continue;
    const found = shortOf(state, book, { wish, nowMs });
    if (short === undefined || rank[found.shortage] > rank[short.shortage]) short = found;
  }
  if (short === undefined) {
    for (const [index, { of, amount }] of wishes.entries())
      noteTaken(state, { book: bookOf(state, of, nowMs), hold: holds[index]!, amount, nowMs });
    return { kind: "reserved", reservation: { holds, isOpen: true } };
  }

  for (const hold of holds) release(state, hold, { cost: 0, nowMs });
  pin(state, wishes, nowMs);
  return short;
}

/** What is certain is told before what may pass. */
const rank: Record<ShortageKind, number> = { Exhausted: 3, Unavailable: 2, Reserved: 1, Unknown: 0 };

function take(
  state: HolderState,
  book: FamilyBook,
  { wish, nowMs, wallMs }: Moment & { wish: Wish },
): Hold | undefined {
  const { amount } = wish;
  const usable = usableLease(state, book, nowMs);
  const isGranted = usable !== undefined && roomOf(usable, nowMs) >= amount;
  if (!isGranted && !letsPass(state, book, nowMs)) return undefined;
  const lease = usable ?? ungrantedLease(state, book, wallMs);
  lease.lastUsedMs = nowMs;
  state.changed.add(lease);
  const part = lease.use === undefined ? 0 : lease.use.add(amount, nowMs);
  lease.reserved += lease.use === undefined ? amount : 0;
  return { account: lease.id, amount, part, isUngranted: !isGranted };
}

/** Whether the limit lets a call pass that it has no room for. */
function letsPass(state: HolderState, book: FamilyBook, nowMs: number): boolean {
  if (book.plan.mode !== "Enforce" || book.isGone) return true;
  if (!state.isAway || book.plan.whenUnavailable !== "Allow") return false;
  // A share that is left goes on, and no more than it.
  const lease = usableLease(state, book, nowMs);
  return lease === undefined || lease.share === "none" || lease.granted <= lease.returned;
}

function noteTaken(
  state: HolderState,
  { book, hold, amount, nowMs }: { book: FamilyBook; hold: Hold; amount: number; nowMs: number },
): void {
  noteUse(book, amount, nowMs);
  const lease = state.leases.get(hold.account);
  if (lease === undefined || hold.isUngranted || !runsLow(book, roomOf(lease, nowMs), nowMs)) return;
  if (nowMs - book.askedAtMs < aheadEveryMs) return;
  book.isAskingAhead = true;
  state.asking.add(book);
}

function shortOf(state: HolderState, book: FamilyBook, { wish, nowMs }: { wish: Wish; nowMs: number }): Short {
  const known = knownShortage(book, wish.amount, nowMs);
  // From an exhausted account nothing is asked before its time: its callers may be many.
  if (known !== "Exhausted") {
    noteNeed(book, wish.amount, nowMs);
    state.asking.add(book);
  }
  const shortage = state.isAway ? "Unavailable" : (known ?? "Unknown");
  const endsInMs = book.current === undefined ? null : book.current.endsAtMs - nowMs;
  const untilTurnMs = endsInMs === null || endsInMs === Number.POSITIVE_INFINITY ? null : Math.max(1, endsInMs);
  const retryAfterMs = shortage === "Exhausted" ? untilTurnMs : Math.max(1, book.shortUntilMs - nowMs);
  return { kind: "short", shortage, of: wish.of, key: book.key, amount: wish.amount, retryAfterMs };
}

/** Of accounts that have enough for the call. Less than that serves nobody here, and may be what another holder lacks. */
function pin(state: HolderState, wishes: readonly Wish[], nowMs: number): void {
  for (const { of, amount } of wishes) {
    const book = bookOf(state, of, nowMs);
    const lease = usableLease(state, book, nowMs);
    if (lease === undefined || roomOf(lease, nowMs) < amount) continue;
    if (nowMs < book.pinnedUntilMs) book.pinned = Math.max(book.pinned, amount);
    if (nowMs < book.pinnedUntilMs + pinMs * (1 + state.random())) continue;
    book.pinned = amount;
    book.pinnedUntilMs = nowMs + pinMs;
  }
}

/** Room for a running attempt that comes near its worst case. */
export function extend(
  state: HolderState,
  { reservation, of, amount, nowMs }: { reservation: Reservation; of: Applied; amount: number; nowMs: number },
): boolean {
  const book = bookOf(state, of, nowMs);
  const hold = reservation.holds.find((candidate) => state.leases.get(candidate.account)?.key === book.key);
  const lease = hold && state.leases.get(hold.account);
  if (hold === undefined || lease === undefined || lease.use !== undefined) return false;
  if (!hold.isUngranted && roomOf(lease, nowMs) < amount) {
    noteNeed(book, amount, nowMs);
    state.asking.add(book);
    return false;
  }
  hold.amount += amount;
  lease.reserved += amount;
  state.changed.add(lease);
  return true;
}

export type Overrun = { readonly account: string; readonly reserved: number; readonly cost: number };

/** `costs`: in the order of the holds. An attempt settles once. */
export function settle(
  state: HolderState,
  { reservation, costs, nowMs }: { reservation: Reservation; costs: readonly number[]; nowMs: number },
): readonly Overrun[] {
  if (!reservation.isOpen) return none;
  reservation.isOpen = false;
  let overruns: Overrun[] | undefined;
  reservation.holds.forEach((hold, index) => {
    const cost = costs[index] ?? hold.amount;
    const lease = release(state, hold, { cost, nowMs });
    if (lease === undefined) return;
    const book = state.books.get(lease.key);
    if (book !== undefined) noteCost(book, cost, nowMs);
    if (cost <= hold.amount || hold.isUngranted || lease.share === "slots") return;
    overruns ??= [];
    overruns.push({ account: hold.account, reserved: hold.amount, cost });
  });
  return overruns ?? none;
}

const none: readonly Overrun[] = [];

function release(
  state: HolderState,
  hold: Hold,
  { cost, nowMs }: { cost: number; nowMs: number },
): HeldLease | undefined {
  const lease = state.leases.get(hold.account);
  if (lease === undefined) return undefined;
  if (lease.use !== undefined) lease.use.refund(hold.amount - cost, hold.part, nowMs);
  else lease.reserved -= hold.amount;
  if (lease.share === "none") lease.settled += cost;
  lease.lastUsedMs = nowMs;
  state.changed.add(lease);
  return lease;
}
