/** The resources of a compile by kind, the oldest first: every conflict is settled in favour of the one that came earlier. */

import assert from "node:assert/strict";
import type { Budget, Gateway, Provider, RateLimit, Resource, Route, VirtualKey } from "@sluice/api";
import type { Finding } from "./findings.ts";

export type CompilableResource = {
  readonly resource: Resource;
  readonly uid?: string;
  readonly createdAtMs: number;
  readonly generation: number;
};

/** A resource with its `namespace/name`. */
export type Entry<Of extends Resource> = {
  readonly id: string;
  readonly namespace: string;
  readonly uid: string | undefined;
  readonly generation: number;
  readonly resource: Of;
};

export type Inventory = {
  readonly gateways: readonly Entry<Gateway>[];
  readonly providers: readonly Entry<Provider>[];
  readonly routes: readonly Entry<Route>[];
  readonly keys: readonly Entry<VirtualKey>[];
  readonly limits: readonly Entry<Budget | RateLimit>[];
};

export function takeInventory(resources: readonly CompilableResource[]): Inventory {
  const inventory = {
    gateways: [] as Entry<Gateway>[],
    providers: [] as Entry<Provider>[],
    routes: [] as Entry<Route>[],
    keys: [] as Entry<VirtualKey>[],
    limits: [] as Entry<Budget | RateLimit>[],
  };
  const seen = new Set<string>();
  for (const { resource, uid, generation } of [...resources].sort(byAge)) {
    const { namespace } = resource.metadata;
    const id = idOf(resource);
    assert(!seen.has(`${resource.kind} ${id}`), `${resource.kind} ${id} is there twice`);
    seen.add(`${resource.kind} ${id}`);
    const place = { id, namespace, uid, generation };
    switch (resource.kind) {
      case "Gateway":
        inventory.gateways.push({ ...place, resource });
        break;
      case "Provider":
        inventory.providers.push({ ...place, resource });
        break;
      case "Route":
        inventory.routes.push({ ...place, resource });
        break;
      case "VirtualKey":
        inventory.keys.push({ ...place, resource });
        break;
      case "Budget":
      case "RateLimit":
        inventory.limits.push({ ...place, resource });
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

/** Older, then by namespace and name, then by kind: two kinds may share a list. */
function byAge(one: CompilableResource, other: CompilableResource): number {
  const [resource, rival] = [one.resource, other.resource];
  return (
    one.createdAtMs - other.createdAtMs || byText(idOf(resource), idOf(rival)) || byText(resource.kind, rival.kind)
  );
}

function idOf({ metadata }: Resource): string {
  return `${metadata.namespace}/${metadata.name}`;
}
