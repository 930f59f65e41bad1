/** Which thresholds a Budget wants told, and to whom. */

import type { StoredResource } from "../store/store.ts";

/** `secret`: `namespace/name/key`. */
export type Webhook = { readonly url: string; readonly secret: string };
export type Threshold = { readonly atPercent: number; readonly webhook: Webhook | undefined };
export type AlertPolicy = { readonly uid: string; readonly thresholds: readonly Threshold[] };

type BudgetAlerts = {
  readonly mode?: string;
  readonly alerts?: readonly {
    readonly atPercent: number;
    readonly webhook?: { readonly url: string; readonly secretRef: { readonly name: string; readonly key: string } };
  }[];
};

/** By `namespace/name`, of Budgets that have something to tell. */
export function alertPolicies(resources: readonly StoredResource[]): Map<string, AlertPolicy> {
  const policies = new Map<string, AlertPolicy>();
  for (const { kind, namespace, name, uid, spec } of resources) {
    if (kind !== "Budget") continue;
    const { mode, alerts = [] } = spec as BudgetAlerts;
    const thresholds: Threshold[] = alerts.map(({ atPercent, webhook }) => ({
      atPercent,
      webhook: webhook && {
        url: webhook.url,
        secret: `${namespace}/${webhook.secretRef.name}/${webhook.secretRef.key}`,
      },
    }));
    // A limit that refuses nothing says when it would have begun to.
    if (mode === "Warn" && !thresholds.some(({ atPercent }) => atPercent === 100))
      thresholds.push({
        atPercent: 100,
        webhook: thresholds.findLast(({ webhook }) => webhook !== undefined)?.webhook,
      });
    if (thresholds.length > 0) policies.set(`${namespace}/${name}`, { uid, thresholds });
  }
  return policies;
}
