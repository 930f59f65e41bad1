/** Keys whose calls no enforcing Budget is sure to cover, where a Gateway minds. */

import type { VirtualKey } from "@sluice/api";
import type { KeyEntry, LimitPlan } from "@sluice/contract";
import type { Finding } from "./findings.ts";
import { type Entry, finding } from "./inventory.ts";
import { limitIndex } from "./limit-index.ts";
import { admits, type GatewayPlans } from "./plan-gateways.ts";
import { patternsWithin } from "./unbounded-accounts.ts";

export function unbudgetedFindings(
  keys: readonly Entry<VirtualKey>[],
  known: { gateways: GatewayPlans; limits: readonly LimitPlan[]; entries: ReadonlyMap<string, KeyEntry> },
): Finding[] {
  const budgetsOf = limitIndex(known.limits.filter(({ kind, mode }) => kind === "Budget" && mode === "Enforce"));
  return keys.flatMap((key) => {
    const entry = known.entries.get(key.resource.spec.hash);
    if (entry === undefined || entry.id !== key.id || entry.state === "Revoked") return [];
    const minding = known.gateways.accepted.filter(
      ({ entry: gateway, plan }) => plan.unbudgeted !== "Allow" && admits(gateway, key.namespace),
    );
    if (
      minding.length === 0 ||
      budgetsOf({ key: entry.id, service: entry.service }).some((budget) => isSureToCover(budget, entry))
    )
      return [];
    const refused = minding.some(({ plan }) => plan.unbudgeted === "Refuse");
    return [
      finding(key, {
        condition: "Budgeted",
        reason: "Unbudgeted",
        message: `no enforcing Budget covers all of its calls${refused ? ", so those that none covers are refused" : ""}: add a Budget whose selector matches the key`,
      }),
    ];
  });
}

/** Whatever the key's calls ask for and claim. */
function isSureToCover({ namespace, selector }: LimitPlan, key: KeyEntry): boolean {
  if (namespace !== undefined && namespace !== key.namespace) return false;
  const { teams, services, users, keys, models, providers, routes, metadata } = selector;
  const holds = (list: readonly string[] | undefined, value: string | undefined) =>
    list === undefined || (value !== undefined && list.includes(value));
  if (!holds(teams, key.team) || !holds(services, key.service) || !holds(users, key.user) || !holds(keys, key.id)) {
    return false;
  }
  // Which Provider answers is not the key's to say.
  if (providers !== undefined) return false;
  if (models !== undefined && !patternsWithin(key.allowModels, models)) return false;
  if (routes !== undefined && !(key.allowRoutes?.every((route) => routes.includes(route)) ?? false)) return false;
  return Object.entries(metadata ?? {}).every(([name, value]) => key.metadata[name] === value);
}
