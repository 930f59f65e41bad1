/**
 * What each raw path means. Every path that is served is a key of one Map, so that nothing a caller writes into a path (`..`,
 * `//`, `%2e`) is ever interpreted; only `…/models/{id}` has a part that callers choose.
 */

import { modelOperations, modelsPath, type Operation, versionPrefixes } from "@sluice/protocols";
import type { GatewayRuntime } from "./runtime.ts";

export type PathEntry = { readonly gateway: GatewayRuntime } & (
  | { readonly kind: "operation"; readonly operation: Operation }
  | { readonly kind: "models" }
  | { readonly kind: "prices" }
  | { readonly kind: "responses" }
  | { readonly kind: "base" }
);
export type FoundPath = { readonly entry: PathEntry /** Of `…/models/{id}`. */; readonly modelId?: string };

/** `hosts`: tables of Gateways with host names; `anyHost`: of the others. */
export type PathTables = { readonly hosts: ReadonlyMap<string, PathTable> | undefined; readonly anyHost: PathTable };

export type PathTable = ReadonlyMap<string, PathEntry>;

export function buildPathTables(gateways: readonly GatewayRuntime[]): PathTables {
  const hosts = new Map<string, Map<string, PathEntry>>();
  const anyHost = new Map<string, PathEntry>();
  // The compiler has settled overlaps: at most one Gateway serves a host and base path.
  for (const gateway of gateways) {
    const tables =
      gateway.plan.hostnames.length === 0 ? [anyHost] : gateway.plan.hostnames.map((host) => tableOf(hosts, host));
    for (const table of tables) {
      addPaths(table, gateway, gateway.plan.basePath);
      if (gateway.plan.servesRoot && gateway.plan.basePath !== "") addPaths(table, gateway, "");
    }
  }
  return { hosts: hosts.size === 0 ? undefined : hosts, anyHost };
}

/** `path`: raw, without its query. */
export function findPath(tables: PathTables, host: string | undefined, path: string): FoundPath | undefined {
  const named = tables.hosts === undefined || host === undefined ? undefined : tables.hosts.get(hostName(host));
  return (named === undefined ? undefined : lookUp(named, path)) ?? lookUp(tables.anyHost, path);
}

function lookUp(table: PathTable, path: string): FoundPath | undefined {
  const entry = table.get(path);
  if (entry !== undefined) return { entry };
  const at = path.indexOf(`${modelsPath}/`);
  if (at < 0) return undefined;
  const models = table.get(path.slice(0, at + modelsPath.length));
  const modelId = decoded(path.slice(at + modelsPath.length + 1));
  return models?.kind === "models" && modelId !== undefined ? { entry: models, modelId } : undefined;
}

function addPaths(table: Map<string, PathEntry>, gateway: GatewayRuntime, base: string): void {
  table.set(base === "" ? "/" : base, { kind: "base", gateway });
  table.set(`${base}/`, { kind: "base", gateway });
  for (const version of versionPrefixes) {
    if (version !== "") table.set(`${base}${version}`, { kind: "base", gateway });
    for (const operation of modelOperations) {
      table.set(`${base}${version}${operation.path}`, { kind: "operation", operation, gateway });
    }
    table.set(`${base}${version}${modelsPath}`, { kind: "models", gateway });
    table.set(`${base}${version}/prices`, { kind: "prices", gateway });
    table.set(`${base}${version}/responses`, { kind: "responses", gateway });
  }
}

function tableOf(hosts: Map<string, Map<string, PathEntry>>, host: string): Map<string, PathEntry> {
  const table = hosts.get(host) ?? new Map<string, PathEntry>();
  hosts.set(host, table);
  return table;
}

function hostName(host: string): string {
  const port = host.lastIndexOf(":");
  return (port > host.lastIndexOf("]") ? host.slice(0, port) : host).toLowerCase();
}

function decoded(id: string): string | undefined {
  try {
    return decodeURIComponent(id);
  } catch {
    return undefined;
  }
}
