/**
 * Runtime: one snapshot made ready to serve. Immutable but for the turn of weighted targets; a new snapshot makes a new one
 * beside it, and exchanges in flight keep the one that they began with.
 */

import {
  type GatewayPlan,
  type KeyEntry,
  type ModelPlan,
  type PricePlan,
  type ProviderPlan,
  type RoutePlan,
  type Snapshot,
  snapshot,
  snapshotFormat,
  type TargetPlan,
} from "@sluice/contract";
import { createTierStates, type TierStates } from "@sluice/routing";
import { LimitTable } from "../limits/limit-table.ts";
import { StopTable } from "../limits/stop-table.ts";
import { coversModel, type Found, ModelIndex } from "./model-index.ts";
import { buildPathTables, type PathTables } from "./path-table.ts";

/** A model of a provider, or a family of them. */
export type ModelRuntime = { readonly plan: ModelPlan; readonly price: PricePlan | undefined };
type ProviderRuntime = { readonly plan: ProviderPlan; readonly models: ModelIndex<ModelRuntime> };
export type TargetRuntime = {
  readonly plan: TargetPlan;
  readonly provider: ProviderPlan;
  /** By the name sent upstream. */
  readonly models: ModelIndex<ModelRuntime>;
};
export type RouteRuntime = {
  readonly plan: RoutePlan;
  readonly tiers: readonly (readonly TargetRuntime[])[];
  readonly turns: TierStates;
};
export type GatewayRuntime = {
  readonly plan: GatewayPlan;
  readonly routes: readonly RouteRuntime[];
  /** Routes of the Gateway's own namespace: for every key. */
  readonly shared: ModelIndex<RouteRuntime>;
  /** Routes of other namespaces: for keys of theirs. */
  readonly byNamespace: ReadonlyMap<string, ModelIndex<RouteRuntime>>;
};
export type Runtime = {
  readonly revision: number;
  readonly digest: string;
  readonly paths: PathTables;
  readonly gateways: readonly GatewayRuntime[];
  readonly limits: LimitTable;
  readonly stops: StopTable;
};

/** Throws, with the reason for people, when the snapshot can't be served. */
export function buildRuntime(input: { snapshot: unknown; revision: number; digest: string }): Runtime {
  const parsed = readSnapshot(input.snapshot);
  const providers = new Map(parsed.providers.map((plan) => [plan.id, { plan, models: modelsOf(plan, parsed.prices) }]));
  const gateways = parsed.gateways.map((plan) => gatewayRuntime(plan, providers));
  return {
    revision: input.revision,
    digest: input.digest,
    paths: buildPathTables(gateways),
    gateways,
    limits: new LimitTable(parsed.limits),
    stops: new StopTable(parsed.stops),
  };
}

/** Why a snapshot could not be served; undefined when it can. The control plane asks before it publishes. */
export function loadError(candidate: Snapshot): string | undefined {
  try {
    buildRuntime({ snapshot: candidate, revision: 0, digest: "" });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The Route that serves a key's call for a model: exactness first, then shared Routes, unless the Gateway lets them be overridden. */
export function resolveRoute(gateway: GatewayRuntime, caller: KeyEntry, model: string): RouteRuntime | undefined {
  const shared = gateway.shared.find(model);
  const own = gateway.byNamespace.get(caller.namespace)?.find(model);
  if (own === undefined || shared === undefined) return (own ?? shared)?.value;
  const difference = exactness(own) - exactness(shared);
  if (difference !== 0) return difference > 0 ? own.value : shared.value;
  return gateway.plan.routeOverrides ? own.value : shared.value;
}

/** Whether the key's own scope lets it use a model by a Route. */
export function mayUse(caller: KeyEntry, route: RouteRuntime, model: string): boolean {
  if (caller.allowModels !== undefined && !coversModel(caller.allowModels, model)) return false;
  return caller.allowRoutes === undefined || caller.allowRoutes.includes(route.plan.id);
}

function exactness(found: Found<RouteRuntime>): number {
  return found.exactness * 1_000_000 + found.prefixLength;
}

function readSnapshot(value: unknown): Snapshot {
  const format = (value as { format?: unknown; minReader?: unknown } | null) ?? {};
  if (typeof format.minReader === "number" && format.minReader > snapshotFormat) {
    throw new Error(
      `The snapshot needs a reader of format ${format.minReader}, this data plane reads up to ${snapshotFormat}: upgrade it`,
    );
  }
  const parsed = snapshot.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(
    `The snapshot is not in format ${snapshotFormat}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
  );
}

function gatewayRuntime(plan: GatewayPlan, providers: ReadonlyMap<string, ProviderRuntime>): GatewayRuntime {
  const shared = new ModelIndex<RouteRuntime>();
  const byNamespace = new Map<string, ModelIndex<RouteRuntime>>();
  const routes = plan.routes.map((route) => routeRuntime(route, providers));
  for (const route of routes) {
    const index =
      route.plan.namespace === plan.namespace
        ? shared
        : (byNamespace.get(route.plan.namespace) ?? new ModelIndex<RouteRuntime>());
    if (index !== shared) byNamespace.set(route.plan.namespace, index);
    for (const pattern of route.plan.models) index.add(pattern, route);
  }
  return { plan, routes, shared, byNamespace };
}

function routeRuntime(plan: RoutePlan, providers: ReadonlyMap<string, ProviderRuntime>): RouteRuntime {
  const tiers = plan.tiers.map((targets) => targets.map((target) => targetRuntime(plan, target, providers)));
  if (tiers.length === 0 || tiers.some((tier) => tier.length === 0))
    throw new Error(`Route ${plan.id} has a tier without targets`);
  return { plan, tiers, turns: createTierStates(plan.tiers) };
}

function targetRuntime(
  route: RoutePlan,
  plan: TargetPlan,
  providers: ReadonlyMap<string, ProviderRuntime>,
): TargetRuntime {
  const provider = providers.get(plan.provider);
  if (provider === undefined)
    throw new Error(`Route ${route.id}, target ${plan.name}: Provider ${plan.provider} is not in the snapshot`);
  new URL(provider.plan.origin);
  return { plan, provider: provider.plan, models: provider.models };
}

function modelsOf(provider: ProviderPlan, prices: Readonly<Record<string, PricePlan>>): ModelIndex<ModelRuntime> {
  const models = new ModelIndex<ModelRuntime>();
  for (const plan of provider.catalog) {
    const price = plan.price === undefined ? undefined : prices[plan.price];
    if (plan.price !== undefined && price === undefined)
      throw new Error(`Provider ${provider.id}, model ${plan.match}: price ${plan.price} is not in the snapshot`);
    models.add(plan.match, { plan, price });
  }
  return models;
}
