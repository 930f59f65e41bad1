/**
 * What the limits of a namespace can meet: those of the system namespace all there is, others the keys of their own namespace,
 * on its Routes and shared ones. Made once a namespace: there may be thousands of limits, keys and Routes.
 */

import type { Provider } from "@sluice/api";
import type { Entry, Inventory } from "./inventory.ts";

export type LimitReach = {
  readonly keys: ReadonlySet<string>;
  readonly teams: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  readonly routes: ReadonlySet<string>;
  /** Patterns that its Routes answer. */
  readonly models: readonly string[];
  readonly providers: ReadonlySet<string>;
};

export function limitReaches(inventory: Inventory, systemNamespace: string): (namespace: string) => LimitReach {
  const known = new Map<string, LimitReach>();
  return (namespace) => {
    const reach = known.get(namespace) ?? reachOf(inventory, namespace, systemNamespace);
    known.set(namespace, reach);
    return reach;
  };
}

function reachOf({ keys, routes, providers }: Inventory, namespace: string, systemNamespace: string): LimitReach {
  const shared = namespace === systemNamespace;
  const metKeys = keys.filter((key) => shared || key.namespace === namespace);
  const metRoutes = routes.filter((route) => shared || [namespace, systemNamespace].includes(route.namespace));
  const isOpen = ({ resource }: Entry<Provider>) => resource.spec.allowedNamespaces.from === "All";
  const metProviders = providers.filter((provider) => shared || provider.namespace === namespace || isOpen(provider));
  const subjects = metKeys.map(({ resource }) => resource.spec.subject ?? {});
  return {
    keys: idsOf(metKeys),
    teams: new Set(subjects.flatMap(({ team }) => team ?? [])),
    services: new Set(subjects.flatMap(({ service }) => service ?? [])),
    routes: idsOf(metRoutes),
    models: [...new Set(metRoutes.flatMap(({ resource }) => resource.spec.models))],
    providers: idsOf(metProviders),
  };
}

function idsOf(entries: readonly { readonly id: string }[]): Set<string> {
  return new Set(entries.map(({ id }) => id));
}
