/** A target of a Route whose model has no price: open to callers without a USD Budget, closed to all others. */

import type { Route } from "@sluice/api";
import type { ProviderPlan } from "@sluice/contract";
import { modelMatch } from "@sluice/metering";
import type { Finding } from "./findings.ts";
import { type Entry, finding } from "./inventory.ts";

/** `provider`: one that the Route may use, or what it has no price for would tell of it. */
export function unpricedTarget(route: Entry<Route>, index: number, provider: ProviderPlan): Finding[] {
  const { models, targets } = route.resource.spec;
  const model = targets[index]?.model;
  // A pattern stands for names that nobody knows yet.
  const names = model === undefined ? models.filter((name) => !name.endsWith("*")) : [model];
  const unpriced = names.filter((name) => modelMatch(provider.catalog, name)?.price === undefined);
  if (unpriced.length === 0) return [];
  const message = `Provider ${provider.id} has no price for ${unpriced.join(", ")}, so callers under a USD Budget are refused: set it in the Provider's spec.models`;
  return [finding(route, { condition: "Priced", reason: "PriceUnknown", message, path: `spec.targets[${index}]` })];
}
