/**
 * compile: resources in; a snapshot, the keys, and what is to be said against any resource out. Pure and deterministic: the
 * order of the input does not matter, and a broken resource costs only itself and what depends on it.
 *
 *   inventory ─▶ gateways ─┐
 *             └▶ providers ┴▶ link references ─▶ routes ─▶ snapshot
 *             └▶ keys, limits
 */

import { type KeyEntry, type Snapshot, type StopPlan, snapshotFormat } from "@sluice/contract";
import type { BuiltInCatalog } from "@sluice/metering";
import type { Finding } from "./findings.ts";
import { byText, type CompilableResource, takeInventory } from "./inventory.ts";
import { planGateways } from "./plan-gateways.ts";
import { planKeys } from "./plan-keys.ts";
import { planLimits } from "./plan-limits.ts";
import { planProviders } from "./plan-providers.ts";
import { planRoutes } from "./plan-routes.ts";
import { unbudgetedFindings } from "./unbudgeted-keys.ts";

export type CompileInput = {
  readonly resources: readonly CompilableResource[];
  readonly catalog: BuiltInCatalog;
  /** Where Gateways live. */
  readonly systemNamespace: string;
  /** Ids (`namespace/secret/key`) of the credentials that exist. Left out: that is for the caller to tell. */
  readonly credentials?: ReadonlySet<string>;
  /** Hashes of revoked keys, each with its reason. */
  readonly revoked?: ReadonlyMap<string, string>;
  /** Calls that somebody has stopped by hand. */
  readonly stops?: readonly StopPlan[];
};

export type Compilation = {
  readonly snapshot: Snapshot;
  /** By hash. */
  readonly keys: ReadonlyMap<string, KeyEntry>;
  /** Ids of all credentials that Providers refer to, whether they exist or not. */
  readonly credentials: readonly string[];
  readonly findings: readonly Finding[];
};

export function compile(input: CompileInput): Compilation {
  const { catalog, systemNamespace, credentials, revoked, stops } = input;
  const inventory = takeInventory(input.resources);
  const gateways = planGateways(inventory.gateways, systemNamespace);
  const providers = planProviders(inventory.providers, { catalog, credentials });
  const routes = planRoutes(inventory.routes, { gateways, providers, systemNamespace });
  const keys = planKeys(inventory.keys, {
    gateways,
    routes: new Set(inventory.routes.map(({ id }) => id)),
    revoked: revoked ?? new Map(),
    systemNamespace,
  });
  const limits = planLimits(inventory, systemNamespace);
  const unbudgeted = unbudgetedFindings(inventory.keys, { gateways, limits: limits.limits, entries: keys.keys });
  return {
    snapshot: {
      format: snapshotFormat,
      minReader: snapshotFormat,
      gateways: [...routes.gateways].sort((one, other) => byText(one.id, other.id)),
      providers: [...providers.usable.values()],
      prices: Object.fromEntries(providers.prices),
      limits: [...limits.limits],
      stops: [...(stops ?? [])].sort((one, other) => byText(stopName(one), stopName(other))),
    },
    keys: keys.keys,
    credentials: providers.credentials,
    findings: [gateways, providers, routes, keys, limits, { findings: unbudgeted }].flatMap(({ findings }) => findings),
  };
}

function stopName({ dimension, value, untilMs, reason }: StopPlan): string {
  return JSON.stringify([dimension, value, untilMs ?? 0, reason]);
}
