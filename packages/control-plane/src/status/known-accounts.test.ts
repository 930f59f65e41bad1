import { accountId, type LimitPlan } from "@sluice/contract";
import type { AccountState } from "@sluice/limits";
import { expect, test } from "vitest";
import { limitPlan, monthEndMs, monthStartMs, usdRule } from "../../test/account-figures.ts";
import { KnownAccounts } from "./known-accounts.ts";

const nowMs = monthStartMs + 1;
const account = (service: string, version: number, closed: bigint): AccountState => ({
  id: accountId({ limit: "budget-1", rule: "usd", values: [service] }, monthStartMs),
  ...{
    version,
    endsAtMs: monthEndMs,
    closed,
    carried: 0n,
    expiring: [],
    expired: 0n,
    leases: new Map(),
    recalledAtMs: 0,
  },
});
const spentIn = (known: KnownAccounts) =>
  known
    .figures(nowMs)
    .get("budget-1")
    ?.accounts.map(({ values, spent }) => `${values} ${spent}`);

test("a later version of an account wins, whichever way it came", () => {
  const known = new KnownAccounts();
  known.useLimits([limitPlan()]);
  known.note([account("a", 2, 20n), account("b", 1, 1n)]);
  known.note([account("a", 1, 10n)]);
  expect(spentIn(known)).toEqual(["a 20", "b 1"]);
  // A read that began before the last write.
  known.noteAll([account("a", 1, 10n)]);
  expect(spentIn(known)).toEqual(["a 20"]);
});

test("a limit without accounts is there, an account without a limit is not", () => {
  const known = new KnownAccounts();
  known.note([account("a", 1, 1n)]);
  expect([...known.figures(nowMs)]).toEqual([]);
  known.useLimits([limitPlan({ uid: "budget-2" })]);
  expect(known.figures(nowMs).get("budget-2")).toMatchObject({ accounts: [] });
});

test.for([
  ["nothing", {}, ["a 20"]],
  ["another amount", { rules: [{ ...usdRule, amount: "1" }] }, ["a 20"]],
  ["another per", { per: [] }, []],
  ["two members of per", { per: ["Service", "Team"] }, []],
  ["a shorter window", { rules: [{ ...usdRule, window: { ...usdRule.window, unit: "Day" } }] }, []],
  ["a longer window", { rules: [{ ...usdRule, window: { ...usdRule.window, unit: "Year" } }] }, []],
  [
    "a window in a zone of another day",
    { rules: [{ ...usdRule, window: { ...usdRule.window, timezone: "Asia/Tokyo" } }] },
    [],
  ],
  ["no window", { rules: [{ ...usdRule, window: { kind: "lifetime" } }] }, []],
  ["a rolling window", { rules: [{ ...usdRule, window: { kind: "rolling", ms: 86_400_000 } }] }, []],
] as const)("after an edit to %s, accounts of what was before count no more", ([, change, expected]) => {
  const known = new KnownAccounts();
  known.note([account("a", 1, 20n)]);
  known.useLimits([limitPlan(change as Partial<LimitPlan>)]);
  expect(spentIn(known)).toEqual(expected);
});

test("since when an account is exhausted is remembered until it is gone", () => {
  const known = new KnownAccounts();
  const { id } = account("a", 1, 1n);
  known.noteExhausted([id], 5);
  known.noteExhausted([id], 9);
  known.noteAll([account("a", 1, 1n)]);
  expect([...known.exhausted]).toEqual([[id, { sinceMs: 5, lastMs: 9 }]]);
  known.noteAll([]);
  expect([...known.exhausted]).toEqual([]);
  known.noteExhausted([id], 11);
  known.useLimits([limitPlan()]);
  known.noteExhausted([id], 12);
  known.useLimits([limitPlan()]);
  expect([...known.exhausted]).toEqual([[id, { sinceMs: 12, lastMs: 12 }]]);
  // Raised: it has room again.
  known.useLimits([limitPlan({ rules: [{ ...usdRule, amount: "900000000000" }] })]);
  expect([...known.exhausted]).toEqual([]);
});
