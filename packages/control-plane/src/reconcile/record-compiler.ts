/**
 * The record's resources through the compiler. Each spec is read by today's schema once more: the record may be older than
 * the code, and what it no longer understands costs only itself.
 */

import { apiVersion, parseResource, problemText, type Resource } from "@sluice/api";
import { type CompilableResource, compile } from "@sluice/compiler";
import { canonicalJson, digestOf, type KeyEntry, type Snapshot, type StopPlan } from "@sluice/contract";
import { builtInCatalog } from "@sluice/metering";
import { type Act, isOverride, isStop } from "../acts/act.ts";
import { applyOverrides } from "../acts/apply-overrides.ts";
import type { Complaint } from "../status/conditions.ts";
import type { StoredResource } from "../store/store.ts";

export type RecordInput = {
  readonly resources: readonly StoredResource[];
  /** Those in force. */
  readonly acts: readonly Act[];
  /** Ids of those that can be had; left out: all can. */
  readonly credentials?: ReadonlySet<string>;
};

export type Compiled = {
  readonly snapshot: Snapshot;
  readonly digest: string;
  /** By hash. */
  readonly keys: ReadonlyMap<string, KeyEntry>;
  /** Ids of all credentials that Providers refer to. */
  readonly credentials: readonly string[];
  /** By `Kind namespace/name`. */
  readonly complaints: ReadonlyMap<string, readonly Complaint[]>;
};

type Read =
  | { readonly kind: "valid"; readonly resource: Resource }
  | { readonly kind: "invalid"; readonly message: string };

export class RecordCompiler {
  readonly #systemNamespace: string;
  /** By uid and version, of the resources of the last compile. */
  #read = new Map<string, Read>();

  constructor(systemNamespace: string) {
    this.#systemNamespace = systemNamespace;
  }

  compile({ resources, acts, credentials }: RecordInput): Compiled {
    const complaints = new Map<string, Complaint[]>();
    const complain = (about: { kind: string; namespace: string; name: string }, complaint: Complaint) => {
      const key = `${about.kind} ${about.namespace}/${about.name}`;
      complaints.set(key, [...(complaints.get(key) ?? []), complaint]);
    };
    const readNow = new Map<string, Read>();
    const compilable: CompilableResource[] = [];
    for (const stored of resources) {
      const key = `${stored.uid} ${stored.resourceVersion}`;
      const read = this.#read.get(key) ?? readAgain(stored);
      readNow.set(key, read);
      if (read.kind === "valid") compilable.push({ ...stored, resource: read.resource });
      else complain(stored, { condition: "Accepted", reason: "Invalid", message: read.message });
    }
    this.#read = readNow;

    const found = compile({
      resources: compilable,
      catalog: builtInCatalog,
      systemNamespace: this.#systemNamespace,
      stops: acts.filter(isStop).map(
        ({ body, untilMs, reason }): StopPlan => ({
          ...body,
          ...(untilMs !== null && { untilMs }),
          reason,
        }),
      ),
      ...(credentials === undefined ? {} : { credentials }),
    });
    for (const finding of found.findings) complain(finding, finding);
    const { keys } = found;
    const overrides = acts.filter(isOverride);
    const limits = found.snapshot.limits.map((plan) => applyOverrides(plan, overrides));
    const snapshot: Snapshot = { ...found.snapshot, limits };
    return { snapshot, digest: digestOf(canonicalJson(snapshot)), keys, credentials: found.credentials, complaints };
  }
}

function readAgain({ kind, namespace, name, labels, annotations, spec }: StoredResource): Read {
  const parsed = parseResource({ apiVersion, kind, metadata: { namespace, name, labels, annotations }, spec });
  if (parsed.problems === undefined) return { kind: "valid", resource: parsed.resource };
  return { kind: "invalid", message: parsed.problems.map(problemText).join("; ") };
}
