/** What is asked for now: for calls that wait, ahead of those that will come, and for the next window. */

import { type LeaseAsk, leaseAmountMax } from "@sluice/contract";
import { forgetNeed, isThin, mayAsk, wantOf } from "./family-book.ts";
import type { HolderState } from "./holder-state.ts";

/** Of one request; the rest goes with the next. */
const asksMax = 1_000;
/** A call that did not come again for so long waits no more. */
const needMs = 2_000;

export function composeAsks(state: HolderState, nowMs: number): LeaseAsk[] {
  const asks: LeaseAsk[] = [];
  for (const book of state.asking) {
    if (asks.length >= asksMax) break;
    if (book.need > 0 && nowMs - book.neededAtMs > needMs) forgetNeed(book);
    const isWaiting = book.need > 0;
    if (!mayAsk(book, nowMs)) {
      book.isAskingAhead = false;
      book.isAskingNext = false;
      if (!isWaiting) state.asking.delete(book);
      continue;
    }
    const want = limited(wantOf(book, nowMs));
    if (isWaiting || (book.isAskingAhead && !isThin(book, nowMs)))
      asks.push({ family: book.family, at: "Current", need: limited(book.need), want });
    if (book.isAskingNext) asks.push({ family: book.family, at: "Next", need: 0, want });
    forgetNeed(book);
    book.isAskingAhead = false;
    book.isAskingNext = false;
    book.askedAtMs = nowMs;
    state.asking.delete(book);
  }
  return asks;
}

function limited(amount: number): number {
  return Math.min(leaseAmountMax, Math.ceil(amount));
}
