/**
 * compile: resources in; a snapshot, the keys, and what is to be said against any resource out. Pure and deterministic: the
 * order of the input does not matter, and a broken resource costs only itself and what depends on it.
 *
 *   inventory ─▶ gateways ─┐
 *             └▶ providers ┴▶ link references ─▶ routes ─▶ snapshot
 *             └▶ keys
 */

import { type KeyEntry, type Snapshot, snapshotFormat } from "@sluice/contract";
import type { Catalog } from "./catalog.ts";
import type { Finding } from "./findings.ts";
import { byText, type CompilableResource, takeInventory } from "./inventory.ts";
import { planGateways } from "./plan-gateways.ts";
import { planKeys } from "./plan-keys.ts";
import { planProviders } from "./plan-providers.ts";
import { planRoutes } from "./plan-routes.ts";

export type CompileInput = {
  readonly resources: readonly CompilableResource[];
  readonly catalog: Catalog;
  /** Where Gateways live. */
  readonly systemNamespace: string;
  /** Ids (`namespace/secret/key`) of the credentials that exist. Left out: that is for the caller to tell. */
  readonly credentials?: ReadonlySet<string>;
  /** Hashes of revoked keys, each with its reason. */
  readonly revoked?: ReadonlyMap<string, string>;
};

export type Compilation = {
  readonly snapshot: Snapshot;
  /** By hash. */
  readonly keys: ReadonlyMap<string, KeyEntry>;
  /** Ids of all credentials that Providers refer to, whether they exist or not. */
  readonly credentials: readonly string[];
  readonly findings: readonly Finding[];
};

export function compile({ resources, catalog, systemNamespace, credentials, revoked }: CompileInput): Compilation {
  const inventory = takeInventory(resources);
  const gateways = planGateways(inventory.gateways, systemNamespace);
  const providers = planProviders(inventory.providers, { catalog, credentials });
  const routes = planRoutes(inventory.routes, { gateways, providers, systemNamespace });
  const keys = planKeys(inventory.keys, {
    gateways,
    routes: new Set(inventory.routes.map(({ id }) => id)),
    revoked: revoked ?? new Map(),
    systemNamespace,
  });
  return {
    snapshot: {
      format: snapshotFormat,
      minReader: snapshotFormat,
      gateways: [...routes.gateways].sort((one, other) => byText(one.id, other.id)),
      providers: [...providers.usable.values()],
      prices: {},
      limits: [],
      stops: [],
    },
    keys: keys.keys,
    credentials: providers.credentials,
    findings: [...gateways.findings, ...providers.findings, ...routes.findings, ...keys.findings],
  };
}
