import { accountId, type LimitRule } from "@sluice/contract";
import type { AccountState, LeaseState } from "@sluice/limits";
import { describe, expect, test } from "vitest";
import { figures, limitPlan, monthEndMs, monthStartMs, usdRule } from "../../test/account-figures.ts";
import type { BudgetOverride } from "../acts/act.ts";
import { type AccountFigures, figuresOf } from "./account-figures.ts";
import { limitConditions } from "./limit-conditions.ts";
import { type LimitSituation, limitStatus } from "./limit-status.ts";

const usd = (dollars: number) => BigInt(Math.round(dollars * 100)) * 10_000_000n;
const midMonthMs = monthStartMs + (monthEndMs - monthStartMs) / 2;

function situation(accounts: readonly AccountFigures[], change: Partial<LimitSituation> = {}): LimitSituation {
  const plan = accounts[0]?.plan ?? limitPlan();
  return {
    plan,
    accounts,
    exhausted: new Map(),
    overrides: [],
    before: { conditions: [] },
    nowMs: midMonthMs,
    ...change,
  };
}
function account(service: string, change: Partial<AccountFigures> = {}): AccountFigures {
  return figures({ values: [service], ...change });
}

describe("figures of an account", () => {
  const family = { limit: "budget-1", rule: "usd", values: ["classify"] };
  const lease = (change: Partial<LeaseState>): LeaseState => ({
    ...{ granted: 0n, returned: 0n, settled: 0n, reserved: 0n, state: "Open" },
    ...change,
  });
  const state = (change: Partial<AccountState> = {}): AccountState => ({
    ...{ id: accountId(family, monthStartMs), version: 3, endsAtMs: monthEndMs },
    ...{ closed: 7n, carried: 5n, expiring: [], expired: 0n, leases: new Map(), recalledAtMs: 0 },
    ...change,
  });
  const limits = new Map([["budget-1", limitPlan()]]);

  test("what is settled or written off is spent, what open leases hold is committed", () => {
    const leases = new Map([
      ["open", lease({ granted: 100n, settled: 20n, reserved: 30n })],
      ["dead", lease({ granted: 50n, settled: 10n, reserved: 5n, state: "WrittenOff" })],
    ]);
    expect(figuresOf(state({ leases }), limits, midMonthMs)).toMatchObject({
      ...{ values: ["classify"], startsAtMs: monthStartMs, endsAtMs: monthEndMs },
      ...{ spent: 82n, reserved: 30n, committed: 162n, isLeasedAhead: true },
    });
  });

  test.for([
    ["an earlier window", { endsAtMs: midMonthMs }],
    ["a window to come", { id: accountId(family, monthEndMs), endsAtMs: null }],
    ["a limit that is gone", { id: accountId({ ...family, limit: "gone" }, monthStartMs) }],
    ["a rule that is gone", { id: accountId({ ...family, rule: "tokens" }, monthStartMs) }],
  ] as const)("an account of %s has none", ([, change]) => {
    expect(figuresOf(state(change), limits, midMonthMs)).toBeUndefined();
  });

  test("what has run out of a rolling window counts no more, though nobody has asked since", () => {
    const expiring = [
      { untilMs: midMonthMs, amount: 4n },
      { untilMs: midMonthMs + 1, amount: 3n },
    ];
    expect(figuresOf(state({ expiring }), limits, midMonthMs)).toMatchObject({ spent: 8n, committed: 8n });
  });

  test("slots in use are what its calls hold", () => {
    const rule: LimitRule = { name: "at-once", unit: "slots", amount: "10", window: { kind: "share" } };
    const slots = new Map([["budget-1", limitPlan({ kind: "RateLimit", rules: [rule] })]]);
    const id = accountId({ ...family, rule: "at-once" }, 0);
    const leases = new Map([["one", lease({ granted: 8n, reserved: 6n })]]);
    expect(figuresOf(state({ id, endsAtMs: null, leases }), slots, midMonthMs)).toMatchObject({
      spent: 6n,
      reserved: 0n,
    });
  });
});

test("status tells the fullest accounts first, in exact decimals", () => {
  const accounts = [
    account("rank", { spent: usd(10) }),
    account("classify", { spent: usd(485.5), reserved: usd(2.25), committed: usd(490), isLeasedAhead: true }),
  ];
  expect(limitStatus(situation(accounts))).toEqual({
    limit: "500.00 USD",
    window: { startsAt: "2026-11-01T00:00:00Z", endsAt: "2026-12-01T00:00:00Z" },
    accounts: { count: 2, near: 1, exhausted: 0 },
    fullest: "classify 97%",
    spent: "495.50 USD",
    top: [
      {
        ...{ values: { Service: "classify" }, limit: "500.00", spent: "485.50", reserved: "2.25", remaining: "12.25" },
        ...{ percent: 97, forecast: "970.00", serving: "Leased", limitedBy: "Spend" },
      },
      {
        ...{ values: { Service: "rank" }, limit: "500.00", spent: "10.00", reserved: "0.00", remaining: "490.00" },
        ...{ percent: 2, forecast: "20.00", serving: "OneShot" },
      },
    ],
  });
});

test("no more than ten accounts are told of ten thousand", () => {
  const accounts = Array.from({ length: 10_000 }, (_, index) => account(`user-${index}`, { spent: usd(index / 100) }));
  const status = limitStatus(situation(accounts)) as {
    top: { values: { Service: string } }[];
    accounts: { count: number };
  };
  expect(status.accounts.count).toBe(10_000);
  expect(status.top.map(({ values }) => values.Service)).toEqual(
    Array.from({ length: 10 }, (_, at) => `user-${9_999 - at}`),
  );
});

test("an idle account's forecast stands still for minutes, and says nothing in a window's first hundredth", () => {
  const at = (nowMs: number) => limitStatus(situation([account("a", { spent: usd(123.45) })], { nowMs }));
  expect(at(midMonthMs + 120_000)).toEqual(at(midMonthMs));
  expect(at(monthStartMs + 60_000)).not.toHaveProperty("top.0.forecast");
});

test("an account whose room is all reserved says so", () => {
  const accounts = [account("a", { spent: usd(100), reserved: usd(390), committed: usd(495) })];
  expect(limitStatus(situation(accounts))).toMatchObject({ top: [{ limitedBy: "Reservations", remaining: "10.00" }] });
});

test("an account is full when its limit is spent or a call did not fit any more, and remembers since when", () => {
  const [full, refused, free] = [account("a", { spent: usd(500) }), account("b", { spent: usd(496) }), account("c")];
  const exhausted = new Map([[refused.id, { sinceMs: midMonthMs - 5_000, lastMs: midMonthMs }]]);
  const first = limitStatus(situation([full, refused, free], { exhausted }));
  expect(first).toMatchObject({
    accounts: { exhausted: 2 },
    top: [{ exhaustedAt: "2026-11-16T00:00:00Z" }, { exhaustedAt: "2026-11-15T23:59:55Z" }, {}],
  });
  const before = { conditions: [], ...first };
  const later = { before, nowMs: midMonthMs + 60_000 };
  expect(limitStatus(situation([full, refused, free], later))).toMatchObject({
    top: [{ exhaustedAt: "2026-11-16T00:00:00Z" }, { exhaustedAt: "2026-11-15T23:59:55Z" }, {}],
  });
  // Raised by hand: it has room again.
  const raised = [full, refused].map((each) => ({ ...each, amount: usd(800) }));
  expect(limitStatus(situation(raised, later))).toMatchObject({ accounts: { exhausted: 0 } });
});

test("an account with room for some calls is full only while those that come do not fit", () => {
  const half = account("a", { spent: usd(250) });
  const exhausted = new Map([[half.id, { sinceMs: midMonthMs - 90_000, lastMs: midMonthMs - 1_000 }]]);
  expect(limitStatus(situation([half], { exhausted }))).toMatchObject({
    accounts: { exhausted: 1 },
    top: [{ exhaustedAt: "2026-11-15T23:58:30Z", limitedBy: "Spend" }],
  });
  const later = situation([half], { exhausted, nowMs: midMonthMs + 60_000 });
  expect(limitStatus(later)).toMatchObject({ accounts: { exhausted: 0 } });
});

test("an account that gives shorter answers is not full before it is near its end", () => {
  const plan = { ...limitPlan(), whenShort: "Clamp" as const };
  const [half, most] = [usd(250), usd(490)].map((spent) => account("a", { spent, plan }));
  const exhausted = new Map([[half?.id ?? "", { sinceMs: midMonthMs - 1_000, lastMs: midMonthMs - 1_000 }]]);
  for (const [one, count] of [
    [half, 0],
    [most, 1],
  ] as const)
    expect(limitStatus(situation(one ? [one] : [], { exhausted }))).toMatchObject({ accounts: { exhausted: count } });
});

test("a RateLimit tells its amounts, and no window that only one of them has", () => {
  const rules: LimitRule[] = [
    { name: "per-minute", unit: "requests", amount: "600", window: { kind: "tumbling", ms: 60_000 } },
    { name: "at-once", unit: "slots", amount: "32", window: { kind: "share" } },
  ];
  const plan = limitPlan({ kind: "RateLimit", rules, per: [] });
  const [rule = usdRule] = rules;
  const status = limitStatus(situation([figures({ plan, rule, values: [], amount: 600n, spent: 300n })]));
  expect(status).toMatchObject({
    limits: "600 requests/1m, 32 concurrent",
    fullest: "per-minute 50%",
    top: [{ rule: "per-minute" }],
  });
  expect(status).not.toHaveProperty("window");
});

const override: BudgetOverride = {
  ...{ id: "act-1", kind: "BudgetOverride", by: "admin token", reason: "launch", createdAtMs: 0 },
  ...{ untilMs: monthEndMs, undoneAtMs: null, undoneBy: null },
  body: { budget: "ai/search-monthly", values: { Service: "a" }, unit: "nanoUsd", amount: "800000000000" },
};

test("an override is told with its end and reason, and is a condition", () => {
  const overridden = situation([account("a")], { overrides: [override] });
  expect(limitStatus(overridden)).toMatchObject({
    overrides: [
      {
        id: "act-1",
        values: { Service: "a" },
        to: "800.00",
        by: "admin token",
        until: "2026-12-01T00:00:00Z",
        reason: "launch",
      },
    ],
  });
  expect(limitConditions(overridden, [])).toMatchObject({
    Overridden: { status: "True" },
    Exceeded: { status: "False" },
  });
});

test("conditions name the accounts, and no figure that moves", () => {
  const accounts = ["d", "b", "c", "a"].map((service) => account(service, { spent: usd(500) }));
  expect(limitConditions(situation([...accounts, account("e", { spent: usd(300) })]), [50, 95])).toMatchObject({
    Exceeded: {
      status: "True",
      reason: "Exhausted",
      message: "a, b, c and 1 more: nothing is left in this window, or too little for the calls that come",
    },
    Warning: { status: "True", reason: "ThresholdCrossed", message: "a, b, c and 2 more: past 95 %" },
    Overridden: { status: "False", reason: "AsInSpec" },
  });
});
