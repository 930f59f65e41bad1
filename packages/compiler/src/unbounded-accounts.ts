/**
 * Limits whose accounts a caller could multiply: a value that a call merely claims (its user, its metadata) must not be a
 * fresh budget each time. Such a limit needs another that bounds the same calls whatever they claim.
 *
 * What may be claimed is decided by the limit alone, never by which keys there are: else a key in one namespace could put a
 * shared limit out of force.
 */

import type { LimitPlan, LimitSelector } from "@sluice/contract";
import type { LimitIndex } from "./limit-index.ts";

/** Members of `per` that a call may claim, but for those that the selector holds to a few values. */
export function unboundedDimensions({ per, selector }: LimitPlan): string[] {
  return per.filter((dimension) => {
    if (dimension === "User") return selector.users === undefined;
    const name = /^Metadata\/(.*)$/.exec(dimension)?.[1];
    return name !== undefined && selector.metadata?.[name] === undefined;
  });
}

/** Whether a limit holds whatever its calls claim, so that it may bound others. */
export function isBound(plan: LimitPlan): boolean {
  return plan.mode === "Enforce" && unboundedDimensions(plan).length === 0;
}

/** Whether the limit's accounts are bounded, by itself or by one of `bounds`. A limit that refuses nothing needs no bound. */
export function isBounded(plan: LimitPlan, bounds: LimitIndex): boolean {
  if (plan.mode !== "Enforce" || isBound(plan)) return true;
  // What covers the limit covers each of the keys and services that it names.
  const { keys, services } = plan.selector;
  return bounds({ key: keys?.[0], service: services?.[0] }).some(
    (other) =>
      boundsSameThing(other, plan) &&
      (other.namespace === undefined || other.namespace === plan.namespace) &&
      covers(other.selector, plan.selector),
  );
}

/** Money bounds everything, and tokens bound money. A rate bounds rates of its own unit. */
function boundsSameThing(outer: LimitPlan, inner: LimitPlan): boolean {
  if (outer.kind === "Budget") return true;
  if (inner.kind === "Budget") return false;
  return inner.rules.every(({ unit }) => outer.rules.some((rule) => rule.unit === unit));
}

/** Whether every call that `inner` matches is matched by `outer`. */
function covers(outer: LimitSelector, inner: LimitSelector): boolean {
  const lists = ["teams", "services", "users", "keys", "providers", "routes"] as const;
  if (!lists.every((list) => within(inner[list], outer[list]))) return false;
  if (outer.models !== undefined && !patternsWithin(inner.models, outer.models)) return false;
  return Object.entries(outer.metadata ?? {}).every(([name, value]) => inner.metadata?.[name] === value);
}

function within(inner: readonly string[] | undefined, outer: readonly string[] | undefined): boolean {
  return outer === undefined || (inner?.every((value) => outer.includes(value)) ?? false);
}

/** Whether every name that a pattern of `inner` matches is matched by one of `outer`; undefined: all names. */
export function patternsWithin(inner: readonly string[] | undefined, outer: readonly string[]): boolean {
  return (inner ?? ["*"]).every((pattern) =>
    outer.some((wide) => wide === pattern || (wide.endsWith("*") && pattern.startsWith(wide.slice(0, -1)))),
  );
}
