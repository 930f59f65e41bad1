/**
 * Store: the record. A port: `postgres.ts` implements it with drizzle on PostgreSQL and, in `sluice up`, on PGlite; one
 * suite runs on both. No method leaves a transaction open after it returns. Every change of a resource gets the next number
 * of one sequence (its `resourceVersion`), is kept in the history, and can be read back from there by a watcher.
 */

import type { Snapshot, UsageEvent } from "@sluice/contract";
import type { AlertStore } from "./alert-store.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { ReportStore } from "./report-store.ts";

export type ResourceRef = { readonly kind: string; readonly namespace: string; readonly name: string };

/** Who made a resource, and so who alone may change it. */
export type Origin =
  | { readonly kind: "Folder"; readonly file: string }
  | { readonly kind: "API" }
  | { readonly kind: "BuiltIn" };

export type Condition = {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  /** RFC 3339, seconds. Moves only when `status` does. */
  readonly lastTransitionTime: string;
};
export type ResourceStatus = {
  readonly observedGeneration?: number;
  readonly conditions: readonly Condition[];
  readonly [column: string]: unknown;
};

export type StoredResource = ResourceRef & {
  readonly uid: string;
  /** Grows with each change of `spec`. */
  readonly generation: number;
  /** Grows with every change, over all resources. */
  readonly resourceVersion: bigint;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: unknown;
  readonly status: ResourceStatus;
  readonly origin: Origin;
};

export type ResourceWrite = ResourceRef & Pick<StoredResource, "labels" | "annotations" | "spec" | "origin">;

export type ResourceChange = { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly resource: StoredResource };

/** Why a write was not done. */
export type WriteRefusal =
  | { readonly kind: "exists"; readonly current: StoredResource }
  | { readonly kind: "missing" }
  | { readonly kind: "conflict"; readonly current: StoredResource }
  | { readonly kind: "owned"; readonly owner: Origin };
export type Written = { readonly kind: "written"; readonly resource: StoredResource; readonly changed: boolean };

export type Revision = {
  readonly revision: number;
  readonly digest: string;
  readonly snapshot: Snapshot;
  readonly recordedAtMs: number;
};

export type Revocation = {
  readonly hash: string;
  readonly key: string;
  readonly revokedAtMs: number;
  readonly by: string;
  readonly reason: string;
};

/** What a change was of: a resource's spec or labels, its status alone, the list of revoked keys, or that of acts. */
export type ChangeKind = "resource" | "status" | "revocation" | "act";

export type UsageBatch = { readonly instance: string; readonly firstSeq: number; readonly lines: readonly string[] };
export type UsageQuery = { readonly limit: number; readonly requestId?: string; readonly sinceMs?: number };

export type Store = AsyncDisposable &
  AlertStore &
  LeaseStore &
  ReportStore & {
    /** All resources of a kind (or of all), of a namespace (or of all), by kind, namespace, name; and the version that they are at. */
    listResources(filter?: {
      kind?: string;
      namespace?: string;
    }): Promise<{ resources: StoredResource[]; resourceVersion: bigint }>;
    getResource(ref: ResourceRef): Promise<StoredResource | undefined>;
    createResource(write: ResourceWrite): Promise<Written | WriteRefusal>;
    /** `expected`: the version that the writer has read; absent: whatever is there. An equal write changes nothing. */
    updateResource(write: ResourceWrite, expected?: bigint): Promise<Written | WriteRefusal>;
    /** Only its owner may: `by` is compared with the resource's origin. */
    deleteResource(ref: ResourceRef, by: Origin, expected?: bigint): Promise<Written | WriteRefusal>;
    /** Writes a status; nothing when it is equal, or when the resource is gone or another one (uid). */
    updateStatus(ref: ResourceRef & { uid: string }, status: ResourceStatus): Promise<void>;
    /** Changes after `resourceVersion`, in order; `gone` when the history no longer reaches back that far. */
    changesSince(
      resourceVersion: bigint,
      filter: { kind?: string; namespace?: string },
    ): Promise<ResourceChange[] | "gone">;
    /** Called after each committed change of this process's store, with what changed. Returns how to stop. */
    onChange(listener: (change: ChangeKind) => void): () => void;

    latestRevision(): Promise<Revision | undefined>;
    /** The next revision number, in one transaction. */
    recordRevision(input: { digest: string; snapshot: Snapshot; recordedAtMs: number }): Promise<Revision>;

    /** Revocations lie beside the resources: applying a manifest again does not revive a revoked key. */
    revokeKey(revocation: Revocation): Promise<void>;
    listRevocations(): Promise<Revocation[]>;

    /**
     * Records a batch: events of one instance, each the JSON text of a `UsageEvent`; the first is number `firstSeq` and each
     * further one the next. Events that are there already change nothing; a line that is no event is set aside, loudly.
     * Answers the highest number dealt with without a gap below it, and how many lines were set aside.
     */
    recordUsage(batch: UsageBatch): Promise<{ watermark: number; rejected: number }>;
    usageWatermark(instance: string): Promise<number>;
    /** Newest first. */
    listUsage(query: UsageQuery): Promise<UsageEvent[]>;
  };
