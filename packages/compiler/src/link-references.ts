/** What a Route's references point at: the Gateways that serve it, and the Provider of each target. */

import type { Route } from "@sluice/api";
import type { ProviderPlan } from "@sluice/contract";
import type { Finding } from "./findings.ts";
import { type Entry, finding } from "./inventory.ts";
import { type AcceptedGateway, admits, type GatewayPlans } from "./plan-gateways.ts";
import type { ProviderPlans } from "./plan-providers.ts";

export type LinkedGateways = { readonly gateways: readonly AcceptedGateway[]; readonly findings: readonly Finding[] };

/** The Gateways that serve a Route. With none the Route is not accepted; a reference that fails beside others is only told. */
export function linkGateways(route: Entry<Route>, plans: GatewayPlans, systemNamespace: string): LinkedGateways {
  const { gatewayRefs } = route.resource.spec;
  if (gatewayRefs === undefined) {
    // The oldest, where several admit the namespace: a second Gateway never moves the Routes of the first.
    const gateway = plans.accepted.find(({ entry }) => admits(entry, route.namespace));
    return gateway === undefined
      ? { gateways: [], findings: [noGateway(route)] }
      : { gateways: [gateway], findings: [] };
  }

  const gateways = new Set<AcceptedGateway>();
  const failures: Pick<Finding, "reason" | "message" | "path">[] = [];
  for (const [index, { name, namespace = systemNamespace }] of gatewayRefs.entries()) {
    const id = `${namespace}/${name}`;
    const found = plans.accepted.find(({ entry }) => entry.id === id);
    const path = `spec.gatewayRefs[${index}]`;
    if (found === undefined) {
      const message = plans.refused.has(id) ? `Gateway ${id} is not accepted itself` : `there is no Gateway ${id}`;
      failures.push({ reason: "NoMatchingParent", message, path });
    } else if (!admits(found.entry, route.namespace)) {
      const message = `Gateway ${id} does not admit namespace ${route.namespace} (its spec.allowedNamespaces)`;
      failures.push({ reason: "NotAllowedByListeners", message, path });
    } else gateways.add(found);
  }
  const condition = gateways.size === 0 ? "Accepted" : "ResolvedRefs";
  return { gateways: [...gateways], findings: failures.map((failure) => finding(route, { condition, ...failure })) };
}

function noGateway(route: Entry<Route>): Finding {
  return finding(route, {
    condition: "Accepted",
    reason: "NoMatchingParent",
    message: `no Gateway admits namespace ${route.namespace}: make one, or set allowedNamespaces of one to { from: All }`,
  });
}

/** A target's Provider, or why it can't be used. */
export type LinkedProvider =
  | { readonly kind: "linked"; readonly plan: ProviderPlan }
  | { readonly kind: "failed"; readonly finding: Finding };

export function linkProvider(route: Entry<Route>, index: number, providers: ProviderPlans): LinkedProvider {
  const target = route.resource.spec.targets[index];
  const { name = "", namespace = route.namespace } = target?.providerRef ?? {};
  const id = `${namespace}/${name}`;
  const fail = (reason: Finding["reason"], message: string): LinkedProvider => {
    const path = `spec.targets[${index}].providerRef`;
    return { kind: "failed", finding: finding(route, { condition: "ResolvedRefs", reason, message, path }) };
  };

  const provider = providers.byId.get(id);
  if (namespace !== route.namespace && provider?.resource.spec.allowedNamespaces.from !== "All") {
    // The same words whether it is there or not: one namespace does not learn what lies in another.
    return fail(
      "RefNotPermitted",
      `there is no Provider ${id} that allows references from namespace ${route.namespace}`,
    );
  }
  if (provider === undefined) return fail("BackendNotFound", `there is no Provider ${id}`);
  const plan = providers.usable.get(id);
  if (plan === undefined) return fail("BackendNotUsable", `Provider ${id} can't be used: see its conditions`);
  return { kind: "linked", plan };
}
