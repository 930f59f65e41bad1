/** Which account the amounts of a family are of: its own or, past the limit's `accountsMax`, that of all other values. */

import { accountId, type Family, familyKey, type LeaseAsk, type LimitPlan } from "@sluice/contract";
import { neverMs } from "./current-window.ts";
import type { Draft } from "./draft.ts";
import { otherFamily } from "./needed-rows.ts";
import type { AccountState, WindowState } from "./record-state.ts";

export function placeAccount(
  family: Family,
  {
    window,
    plan,
    at,
    draft,
  }: {
    window: WindowState;
    plan: LimitPlan;
    at: LeaseAsk["at"];
    draft: Draft;
  },
): { family: Family; account: AccountState } {
  const endsAtMs = window.endsAtMs === neverMs ? null : window.endsAtMs;
  const own = accountId(family, window.startsAtMs);
  const known = draft.account(own);
  if (known !== undefined) return { family, account: known };
  const isFull = at === "Current" && family.values.length > 0 && window.accounts >= plan.accountsMax;
  if (!isFull) return { family, account: draft.accountOrEmpty(own, endsAtMs) };
  const other = otherFamily(family);
  return { family: other, account: draft.accountOrEmpty(accountId(other, window.startsAtMs), endsAtMs) };
}

/** Counted where it opens, in the same write: two replicas can't both open the last one. */
export function openAccount(family: Family, { window, draft }: { window: WindowState; draft: Draft }): void {
  const isOther = family.values.length > 0 && familyKey(family) === familyKey(otherFamily(family));
  if (!isOther) draft.writeWindow({ ...window, accounts: window.accounts + 1 });
}
