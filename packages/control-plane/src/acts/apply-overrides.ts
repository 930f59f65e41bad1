/**
 * Budget overrides put into the plans of their limits, so that record and data planes go by the same amounts. A later act wins
 * over an earlier one; one without values is the amount of every account that has no amount of its own.
 */

import type { LimitPlan } from "@sluice/contract";
import type { BudgetOverride } from "./act.ts";

export function applyOverrides(plan: LimitPlan, overrides: readonly BudgetOverride[]): LimitPlan {
  if (plan.kind !== "Budget") return plan;
  return overrides.filter(({ body }) => body.budget === plan.id).reduce(applyOne, plan);
}

function applyOne(plan: LimitPlan, { body }: BudgetOverride): LimitPlan {
  const rule = plan.rules.find(({ unit }) => unit === body.unit);
  // The Budget was changed since, to one of another unit: the act has nothing to act on.
  if (rule === undefined) return plan;
  if (body.values === undefined)
    return { ...plan, rules: plan.rules.map((each) => (each === rule ? { ...each, amount: body.amount } : each)) };
  const values = valuesInOrder(plan, body.values);
  if (values === undefined) return plan;
  const isSame = (other: readonly string[]) =>
    other.length === values.length && other.every((one, at) => one === values[at]);
  const before = plan.overrides.find((each) => isSame(each.values));
  const amounts = { ...before?.amounts, [rule.name]: body.amount };
  return { ...plan, overrides: [...plan.overrides.filter((each) => each !== before), { values, amounts }] };
}

/** In the order of `per`; undefined when they are not exactly those that the limit is split by. */
function valuesInOrder(
  { per }: Pick<LimitPlan, "per">,
  values: Readonly<Record<string, string>>,
): string[] | undefined {
  if (Object.keys(values).length !== per.length) return undefined;
  const found = per.flatMap((dimension) => values[dimension] ?? []);
  return found.length === per.length ? found : undefined;
}
