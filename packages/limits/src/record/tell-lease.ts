/** What the record says of one lease and its account. Durations, not times: the holder's clock is another one. */

import { accountId, type Family, type LeaseGrant } from "@sluice/contract";
import type { AmountOf } from "../amount.ts";
import { freeOf, noLease, spentOf } from "./account.ts";
import { neverMs } from "./current-window.ts";
import { type Draft, type Limits, ruleOf } from "./draft.ts";

export function tellLease(
  family: Family,
  { window, session, desk }: { window: number; session: string; desk: Records },
): LeaseGrant {
  const { draft, limits, amountOf, nowMs } = desk;
  const found = ruleOf(limits, family);
  const account = draft.accountOrEmpty(accountId(family, window), null);
  const lease = account.leases.get(session) ?? noLease;
  const amount = found === undefined ? 0n : amountOf(found.plan, found.rule, family.values);
  const free = freeOf(account, amount);
  return {
    family: toldFamily(family),
    window,
    granted: Number(lease.granted),
    returned: Number(lease.returned),
    beginsInMs: isBegun() ? 0 : Math.max(1, window - nowMs),
    endsInMs: endsInMs(),
    amount: String(amount),
    spent: String(spentOf(account)),
    free: String(free > 0n ? free : 0n),
  };

  /** A clock that went back stays in the newest window. */
  function isBegun(): boolean {
    if (window <= nowMs || found === undefined) return true;
    return draft.window({ ...found, at: "Current", nowMs })?.startsAtMs === window;
  }

  function endsInMs(): number | null {
    // A rolling window has no end, but what is not spent within its length is asked for again: so silence can be closed.
    if (found?.rule.window.kind === "rolling") return found.rule.window.ms;
    const endsAtMs = account.version > 0 || draft.account(account.id) !== undefined ? account.endsAtMs : openEnd();
    return endsAtMs === null ? null : Math.max(0, endsAtMs - nowMs);
  }

  function openEnd(): number | null {
    if (found === undefined) return null;
    for (const at of ["Current", "Next"] as const) {
      const opened = draft.window({ ...found, at, nowMs });
      if (opened?.startsAtMs === window) return opened.endsAtMs === neverMs ? null : opened.endsAtMs;
    }
    return null;
  }
}

type Records = {
  readonly draft: Draft;
  readonly limits: Limits;
  readonly amountOf: AmountOf;
  readonly nowMs: number;
};

/** The contract's messages are mutable types. */
export function toldFamily({ limit, rule, values }: Family): LeaseGrant["family"] {
  return { limit, rule, values: [...values] };
}
