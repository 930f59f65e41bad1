/** Plans and figures of accounts, for tests that are not about how they come about. */

import { accountId, type LimitPlan, type LimitRule } from "@sluice/contract";
import type { AccountFigures } from "../src/status/account-figures.ts";

export const monthStartMs = Date.UTC(2026, 10, 1);
export const monthEndMs = Date.UTC(2026, 11, 1);

export const usdRule: LimitRule = {
  name: "usd",
  unit: "nanoUsd",
  amount: "500000000000",
  window: { kind: "calendar", unit: "Month", timezone: "UTC", startMonth: 1 },
};

export function limitPlan(change: Partial<LimitPlan> = {}): LimitPlan {
  return {
    uid: "budget-1",
    kind: "Budget",
    id: "ai/search-monthly",
    selector: {},
    per: ["Service"],
    rules: [usdRule],
    overrides: [],
    mode: "Enforce",
    whenShort: "Reject",
    maxWaitMs: 5_000,
    whenUnavailable: "Refuse",
    accountsMax: 10_000,
    ...change,
  };
}

export function figures(change: Partial<AccountFigures> = {}): AccountFigures {
  const { plan = limitPlan(), rule = usdRule, values = ["classify"] } = change;
  return {
    plan,
    rule,
    values,
    id: accountId({ limit: plan.uid, rule: rule.name, values }, monthStartMs),
    startsAtMs: monthStartMs,
    endsAtMs: monthEndMs,
    amount: 500_000_000_000n,
    spent: 0n,
    reserved: 0n,
    committed: 0n,
    isLeasedAhead: false,
    ...change,
  };
}
