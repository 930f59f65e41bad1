/** Virtual keys as the data planes know them: who calls, what is allowed, until when. Time is theirs: an expired key is an entry too. */

import type { VirtualKey } from "@sluice/api";
import type { KeyEntry } from "@sluice/contract";
import type { Finding } from "./findings.ts";
import { byText, type Entry, finding } from "./inventory.ts";
import { admits, type GatewayPlans } from "./plan-gateways.ts";

export type KeyPlans = {
  /** By hash, in the order of hashes. */
  readonly keys: ReadonlyMap<string, KeyEntry>;
  readonly findings: readonly Finding[];
};

export function planKeys(
  keys: readonly Entry<VirtualKey>[],
  known: {
    gateways: GatewayPlans;
    routes: ReadonlySet<string>;
    revoked: ReadonlyMap<string, string>;
    systemNamespace: string;
  },
): KeyPlans {
  const entries = new Map<string, KeyEntry>();
  const findings: Finding[] = [];
  for (const key of keys) {
    const { hash } = key.resource.spec;
    if (entries.has(hash)) {
      // Not named: it may lie in a namespace of others.
      const message = "an older VirtualKey has the same hash: make a key of its own for each";
      findings.push(finding(key, { condition: "Accepted", reason: "Conflicted", message, path: "spec.hash" }));
      continue;
    }
    const revoked = known.revoked.get(hash);
    entries.set(hash, keyEntry(key, revoked !== undefined));
    findings.push(...routeFindings(key, known.routes, known.systemNamespace));
    if (revoked !== undefined) {
      const message = `revoked${revoked === "" ? "" : `: ${revoked}`}; a new key takes its place`;
      findings.push(finding(key, { condition: "Accepted", reason: "Revoked", message }));
    }
    // The entry travels all the same, so that its callers hear why instead of "unknown key".
    if (!known.gateways.accepted.some(({ entry }) => admits(entry, key.namespace))) findings.push(noGateway(key));
  }
  return { keys: new Map([...entries].sort(([one], [other]) => byText(one, other))), findings };
}

function keyEntry({ id, namespace, resource: { spec } }: Entry<VirtualKey>, revoked: boolean): KeyEntry {
  const { team, service, user } = spec.subject ?? {};
  const { models, routes } = spec.allow ?? {};
  return {
    id,
    namespace,
    state: revoked ? "Revoked" : spec.suspended === true ? "Suspended" : "Active",
    ...(team !== undefined && { team }),
    ...(service !== undefined && { service }),
    ...(user !== undefined && { user }),
    metadata: { ...spec.metadata },
    ...(models && { allowModels: [...models] }),
    // A Route that is not there stays in the list: leaving it out of the last place would allow all.
    ...(routes && { allowRoutes: routes.map((route) => `${route.namespace ?? namespace}/${route.name}`) }),
    ...(spec.expiresAt !== undefined && { expiresAtMs: Date.parse(spec.expiresAt) }),
  };
}

/** A key is served by Routes of its own namespace and by shared ones; no other can be allowed. */
function routeFindings(key: Entry<VirtualKey>, routes: ReadonlySet<string>, systemNamespace: string): Finding[] {
  return (key.resource.spec.allow?.routes ?? []).flatMap(({ name, namespace = key.namespace }, index) => {
    const path = `spec.allow.routes[${index}]`;
    if (namespace !== key.namespace && namespace !== systemNamespace) {
      const message = `Routes of namespace ${namespace} serve only the keys of that namespace`;
      return [finding(key, { condition: "ResolvedRefs", reason: "RefNotPermitted", message, path })];
    }
    if (routes.has(`${namespace}/${name}`)) return [];
    const message = `there is no Route ${namespace}/${name}`;
    return [finding(key, { condition: "ResolvedRefs", reason: "RouteNotFound", message, path })];
  });
}

function noGateway(key: Entry<VirtualKey>): Finding {
  return finding(key, {
    condition: "Accepted",
    reason: "NoMatchingParent",
    message: `no Gateway admits namespace ${key.namespace}: make one, or set allowedNamespaces of one to { from: All }`,
  });
}
