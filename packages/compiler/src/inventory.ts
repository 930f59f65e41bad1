/** The resources of a compile by kind, the oldest first: every conflict is settled in favour of the one that came earlier. */

import assert from "node:assert/strict";
import type { Gateway, Provider, Resource, Route, VirtualKey } from "@sluice/api";
import type { Finding } from "./findings.ts";

export type CompilableResource = {
  readonly resource: Resource;
  readonly uid?: string;
  readonly createdAtMs: number;
  readonly generation: number;
};

/** A resource with its `namespace/name`. */
export type Entry<Of extends Resource> = { readonly id: string; readonly namespace: string; readonly resource: Of };

export type Inventory = {
  readonly gateways: readonly Entry<Gateway>[];
  readonly providers: readonly Entry<Provider>[];
  readonly routes: readonly Entry<Route>[];
  readonly keys: readonly Entry<VirtualKey>[];
};

export function takeInventory(resources: readonly CompilableResource[]): Inventory {
  const inventory = {
    gateways: [] as Entry<Gateway>[],
    providers: [] as Entry<Provider>[],
    routes: [] as Entry<Route>[],
    keys: [] as Entry<VirtualKey>[],
  };
  const seen = new Set<string>();
  for (const { resource } of [...resources].sort(byAge)) {
    const { namespace } = resource.metadata;
    const id = idOf(resource);
    assert(!seen.has(`${resource.kind} ${id}`), `${resource.kind} ${id} is there twice`);
    seen.add(`${resource.kind} ${id}`);
    switch (resource.kind) {
      case "Gateway":
        inventory.gateways.push({ id, namespace, resource });
        break;
      case "Provider":
        inventory.providers.push({ id, namespace, resource });
        break;
      case "Route":
        inventory.routes.push({ id, namespace, resource });
        break;
      case "VirtualKey":
        inventory.keys.push({ id, namespace, resource });
        break;
    }
  }
  return inventory;
}

/** A finding about an entry. */
export function finding(
  { resource: { kind, metadata } }: Entry<Resource>,
  said: Pick<Finding, "condition" | "reason" | "message" | "path">,
): Finding {
  const message = said.path === undefined ? said.message : `${said.path}: ${said.message}`;
  return { kind, namespace: metadata.namespace, name: metadata.name, ...said, message };
}

/** Compares by code unit: the same order on every machine. */
export function byText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** Older, then by namespace and name. */
function byAge(one: CompilableResource, other: CompilableResource): number {
  return one.createdAtMs - other.createdAtMs || byText(idOf(one.resource), idOf(other.resource));
}

function idOf({ metadata }: Resource): string {
  return `${metadata.namespace}/${metadata.name}`;
}
