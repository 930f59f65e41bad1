/** The amount `L` of an account: the rule's, or another one that the limit names for these values. */

import type { LimitPlan, LimitRule } from "@sluice/contract";

/** Runtime overrides are the caller's: it wraps this. */
export type AmountOf = (plan: LimitPlan, rule: LimitRule, values: readonly string[]) => bigint;

export function amountOf(plan: LimitPlan, rule: LimitRule, values: readonly string[]): bigint {
  for (const override of plan.overrides) {
    const amount = override.amounts[rule.name];
    if (amount !== undefined && sameValues(override.values, values)) return BigInt(amount);
  }
  return BigInt(rule.amount);
}

function sameValues(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}
