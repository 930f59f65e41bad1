/**
 * Routes as the data planes follow them: tiers of targets, deadlines and retries settled. A target whose Provider can't be
 * used is left out and told; a Route is left out when no target is left.
 */

import { durationMs, type Gateway, type Retry, type Route, type Timeouts } from "@sluice/api";
import { type GatewayPlan, type RoutePlan, retryReasons, type TargetPlan } from "@sluice/contract";
import type { Finding } from "./findings.ts";
import { type Entry, finding } from "./inventory.ts";
import { linkGateways, linkProvider } from "./link-references.ts";
import type { GatewayPlans } from "./plan-gateways.ts";
import type { ProviderPlans } from "./plan-providers.ts";
import { unpricedTarget } from "./unpriced-target.ts";

export type RoutePlans = {
  /** With their Routes, the oldest Route first: among equals the data plane takes the first. */
  readonly gateways: readonly GatewayPlan[];
  readonly findings: readonly Finding[];
};

const firstByteDefaultMs = 120_000;
const idleDefaultMs = 120_000;
const totalDefaultMs = 600_000;
const attemptsDefault = 2;

export function planRoutes(
  routes: readonly Entry<Route>[],
  linked: { gateways: GatewayPlans; providers: ProviderPlans; systemNamespace: string },
): RoutePlans {
  const routesOf = new Map<string, RoutePlan[]>(linked.gateways.accepted.map(({ plan }) => [plan.id, []]));
  const findings: Finding[] = [];
  for (const route of routes) {
    const parents = linkGateways(route, linked.gateways, linked.systemNamespace);
    const { tiers, findings: targetFindings } = planTargets(route, linked.providers);
    findings.push(...parents.findings, ...targetFindings);
    if (tiers.length === 0) {
      findings.push(
        finding(route, { condition: "Accepted", reason: "NoUsableTarget", message: "none of its targets can be used" }),
      );
      continue;
    }
    for (const { entry, plan } of parents.gateways)
      routesOf.get(plan.id)?.push(routePlan(route, tiers, entry.resource));
  }
  return {
    gateways: linked.gateways.accepted.map(({ plan }) => ({ ...plan, routes: routesOf.get(plan.id) ?? [] })),
    findings,
  };
}

function routePlan({ id, namespace, resource }: Entry<Route>, tiers: TargetPlan[][], gateway: Gateway): RoutePlan {
  const { spec } = resource;
  const { defaults } = gateway.spec;
  const maxOutputTokens = spec.maxOutputTokens ?? defaults?.maxOutputTokens;
  return {
    id,
    namespace,
    models: [...spec.models],
    tiers,
    retry: retryPlan(spec.retry, defaults?.retry),
    timeouts: timeoutsPlan(spec.timeouts, defaults?.timeouts),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    onAbort: spec.onAbort ?? "Cancel",
  };
}

/** Tiers in order, without empty ones; inside a tier the order of the spec. */
function planTargets(route: Entry<Route>, providers: ProviderPlans): { tiers: TargetPlan[][]; findings: Finding[] } {
  const tiers = new Map<number, TargetPlan[]>();
  const findings: Finding[] = [];
  for (const [index, { name, model, weight = 1, tier = 0 }] of route.resource.spec.targets.entries()) {
    const provider = linkProvider(route, index, providers);
    if (provider.kind === "failed") {
      findings.push(provider.finding);
      continue;
    }
    findings.push(...unpricedTarget(route, index, provider.plan));
    const targets = tiers.get(tier) ?? [];
    tiers.set(tier, targets);
    targets.push({ name, provider: provider.plan.id, ...(model !== undefined && { model }), weight });
  }
  return { tiers: [...tiers].sort(([one], [other]) => one - other).map(([, targets]) => targets), findings };
}

function retryPlan(own: Retry | undefined, defaults: Retry | undefined): RoutePlan["retry"] {
  const on = own?.on ?? defaults?.on ?? retryReasons;
  return {
    attempts: own?.attempts ?? defaults?.attempts ?? attemptsDefault,
    on: retryReasons.filter((reason) => on.includes(reason)),
  };
}

function timeoutsPlan(own: Timeouts | undefined, defaults: Timeouts | undefined): RoutePlan["timeouts"] {
  const firstByte = own?.firstByte ?? defaults?.firstByte;
  return {
    firstByteMs: milliseconds(firstByte) ?? firstByteDefaultMs,
    // Our own default is for streams: a long answer in one piece has no first byte for minutes, and is well all the same.
    firstByteForWhole: firstByte !== undefined,
    idleMs: milliseconds(own?.idle ?? defaults?.idle) ?? idleDefaultMs,
    totalMs: milliseconds(own?.total ?? defaults?.total) ?? totalDefaultMs,
  };
}

function milliseconds(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : durationMs(duration);
}
