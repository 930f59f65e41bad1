/**
 * Which rows `answer` reads for a batch of requests: first the windows, then, knowing these, the accounts. A row that was
 * not read although it exists does no harm: its write is refused, and the batch is answered again.
 */

import { accountId, type Family, type LeaseRequest, otherValues } from "@sluice/contract";
import { currentWindow, nextWindow } from "./current-window.ts";
import { type Limits, ruleKey, ruleOf } from "./draft.ts";
import type { WindowState } from "./record-state.ts";

/** Keys of `RecordView.windows`, in order. */
export function rulesOf(requests: readonly LeaseRequest[], limits: Limits): string[] {
  const keys = new Set<string>();
  for (const { leases, asks } of requests)
    for (const { family } of [...leases, ...asks])
      if (ruleOf(limits, family) !== undefined) keys.add(ruleKey(family.limit, family.rule));
  return [...keys].sort();
}

/** Keys of `RecordView.accounts`, in order. */
export function accountsOf(
  requests: readonly LeaseRequest[],
  { limits, windows, nowMs }: { limits: Limits; windows: ReadonlyMap<string, WindowState>; nowMs: number },
): string[] {
  const ids = new Set<string>();
  const addCurrent = (family: Family, at: "Current" | "Next") => {
    const found = ruleOf(limits, family);
    if (found === undefined) return;
    const key = ruleKey(family.limit, family.rule);
    const current = currentWindow(found.rule, { key, stored: windows.get(key), nowMs });
    for (const window of at === "Next" ? [current, nextWindow(found.rule, current)] : [current])
      for (const candidate of [family, otherFamily(family)])
        if (window !== undefined) ids.add(accountId(candidate, window.startsAtMs));
  };
  for (const { leases, asks } of requests) {
    for (const { family, window } of leases) ids.add(accountId(family, window));
    for (const { family, at } of asks) addCurrent(family, at);
  }
  return [...ids].sort();
}

/** The family of all values past the limit's `accountsMax`. */
export function otherFamily(family: Family): Family {
  return { ...family, values: family.values.map(() => otherValues) };
}
