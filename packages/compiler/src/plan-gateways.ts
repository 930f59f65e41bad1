/** Which Gateways serve, and what each is to the data planes before its Routes are known. */

import type { Gateway } from "@sluice/api";
import type { GatewayPlan } from "@sluice/contract";
import type { Finding } from "./findings.ts";
import { type Entry, finding } from "./inventory.ts";

export type AcceptedGateway = { readonly entry: Entry<Gateway>; readonly plan: Omit<GatewayPlan, "routes"> };

export type GatewayPlans = {
  /** The oldest first. */
  readonly accepted: readonly AcceptedGateway[];
  /** Those that are there and do not serve. */
  readonly refused: ReadonlySet<string>;
  readonly findings: readonly Finding[];
};

export function planGateways(gateways: readonly Entry<Gateway>[], systemNamespace: string): GatewayPlans {
  const accepted: Entry<Gateway>[] = [];
  const findings: Finding[] = [];
  for (const entry of gateways) {
    if (entry.namespace !== systemNamespace) {
      const message = `Gateways are permitted in the system namespace ${systemNamespace} only`;
      findings.push(finding(entry, { condition: "Accepted", reason: "NotPermitted", message }));
      continue;
    }
    const older = accepted.find((other) => overlaps(entry.resource, other.resource));
    if (older !== undefined) {
      const message = `the older Gateway ${older.id} serves ${hostsText(older.resource)} under ${older.resource.spec.basePath} already: choose other hostnames or another basePath`;
      findings.push(finding(entry, { condition: "Accepted", reason: "Conflicted", message }));
      continue;
    }
    accepted.push(entry);
  }

  const withoutHosts = accepted.filter(({ resource }) => hostsOf(resource).length === 0);
  return {
    accepted: accepted.map((entry) => ({
      entry,
      plan: gatewayPlan(entry, withoutHosts.length === 1 && withoutHosts[0] === entry),
    })),
    refused: new Set(findings.map(({ namespace, name }) => `${namespace}/${name}`)),
    findings,
  };
}

/** Whether the Gateway lets a namespace's keys call and its Routes attach. */
export function admits({ resource, namespace }: Entry<Gateway>, other: string): boolean {
  return resource.spec.allowedNamespaces.from === "All" || namespace === other;
}

function gatewayPlan({ id, namespace, resource }: Entry<Gateway>, servesRoot: boolean): Omit<GatewayPlan, "routes"> {
  const { spec } = resource;
  return {
    id,
    namespace,
    hostnames: [...hostsOf(resource)].sort(),
    basePath: spec.basePath,
    servesRoot,
    bodyBytesMax: spec.maxBodyBytes,
    ...(spec.allowedNamespaces.from === "Same" && { admits: [namespace] }),
    unbudgeted: spec.unbudgeted,
    onOverflow: spec.logging?.onOverflow ?? "Fold",
    routeOverrides: spec.allowOverrides?.includes("Routes") ?? false,
  };
}

/** One request could mean both: the same base path, and a host in common. A Gateway with host names goes before one without. */
function overlaps({ spec: one }: Gateway, { spec: other }: Gateway): boolean {
  if (one.basePath !== other.basePath) return false;
  const [hosts, otherHosts] = [one.hostnames ?? [], other.hostnames ?? []];
  if (hosts.length === 0 || otherHosts.length === 0) return hosts.length === otherHosts.length;
  return hosts.some((host) => otherHosts.includes(host));
}

function hostsOf({ spec }: Gateway): readonly string[] {
  return spec.hostnames ?? [];
}

function hostsText(gateway: Gateway): string {
  return hostsOf(gateway).length === 0 ? "every host" : hostsOf(gateway).join(", ");
}
