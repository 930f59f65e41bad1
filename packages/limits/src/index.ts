export { type AmountOf, amountOf } from "./amount.ts";
export type { Admission, Hold, Moment, Overrun, Reservation, Short, ShortageKind, Wish } from "./holder/admit.ts";
export type { Applied } from "./holder/family-book.ts";
export {
  Holder,
  type Identity,
  type News,
  type Standing,
} from "./holder/holder.ts";
export type { HolderSnapshot, SnapshotLease } from "./holder/holder-snapshot.ts";
export {
  adjust,
  carryOver,
  committedOf,
  emptyAccount,
  freeOf,
  giveBack,
  raiseTo,
  spentOf,
  unheardOf,
  unsettledOf,
  withExpiring,
} from "./record/account.ts";
export { type Answer, answer, holdMsOf, type Question } from "./record/answer.ts";
export { closeSilent, type Silent } from "./record/close-silent.ts";
export { countUnheard, endHold, type Unheard } from "./record/count-unheard.ts";
export { currentWindow, neverMs } from "./record/current-window.ts";
export { type Limits, type RecordChanges, type RecordView, ruleKey, ruleOf } from "./record/draft.ts";
export { accountsOf, otherFamily, rulesOf } from "./record/needed-rows.ts";
export type { AccountState, EpochState, LeaseState, SessionState, WindowState } from "./record/record-state.ts";
export { epochHoldMs, recallEveryMs, sessionLifeMs, shareLifeMs } from "./record/record-times.ts";
export { type WindowBounds, windowAt } from "./window.ts";
