import { expect, test } from "vitest";
import { limitPlan } from "../../test/account-figures.ts";
import { activeActs, type BudgetOverride, nextEndMs } from "./act.ts";
import { applyOverrides } from "./apply-overrides.ts";

let acts = 0;
function override(body: Partial<BudgetOverride["body"]>, change: Partial<BudgetOverride> = {}): BudgetOverride {
  return {
    ...{ id: `act-${++acts}`, kind: "BudgetOverride", by: "admin token", reason: "launch", createdAtMs: acts },
    ...{ untilMs: null, undoneAtMs: null, undoneBy: null },
    body: { budget: "ai/search-monthly", unit: "nanoUsd", amount: "800", ...body },
    ...change,
  };
}

const exception = { values: ["batch"], amounts: { usd: "50" } };

test("an override without values is the amount of every account that has none of its own", () => {
  const plan = applyOverrides(limitPlan({ overrides: [exception] }), [override({})]);
  expect(plan.rules[0]?.amount).toBe("800");
  expect(plan.overrides).toEqual([exception]);
});

test("an override of one account leaves the others", () => {
  const plan = applyOverrides(limitPlan({ overrides: [exception] }), [override({ values: { Service: "rank" } })]);
  expect(plan.rules[0]?.amount).toBe(limitPlan().rules[0]?.amount);
  expect(plan.overrides).toEqual([exception, { values: ["rank"], amounts: { usd: "800" } }]);
});

test("of two overrides of one account the later one counts", () => {
  const both = [override({ values: { Service: "batch" } }), override({ values: { Service: "batch" }, amount: "900" })];
  const plan = applyOverrides(limitPlan({ overrides: [exception] }), both);
  expect(plan.overrides).toEqual([{ values: ["batch"], amounts: { usd: "900" } }]);
});

test.for([
  ["another Budget", { budget: "ai/other" }],
  ["another unit", { unit: "tokens" }],
  ["values that the Budget is not split by", { values: { Team: "search" } }],
  ["only some of the values", { values: {} }],
] as const)("an override of %s changes nothing", ([, body]) => {
  expect(applyOverrides(limitPlan(), [override(body)])).toEqual(limitPlan());
});

test("an act is over at its time, and once it is undone", () => {
  const [lasting, short] = [override({}), override({}, { untilMs: 1_000 })];
  const undone = override({}, { undoneAtMs: 500, undoneBy: "admin token" });
  expect(activeActs([short, undone, lasting], 999)).toEqual([lasting, short]);
  expect(nextEndMs(activeActs([short, undone, lasting], 999))).toBe(1_000);
  expect(activeActs([short, undone, lasting], 1_000)).toEqual([lasting]);
  expect(nextEndMs([lasting])).toBeUndefined();
});
