/** What is asked of the control plane beside its resources: what runs, what needs a look, and single calls. */

import { kinds, problemText, type StatusReport } from "@sluice/api";
import type { Acknowledgement } from "@sluice/contract";
import type { SourceProblem } from "../sources/resource-files.ts";
import { rfc3339 } from "../store/pending-status.ts";
import type { Store, StoredResource } from "../store/store.ts";
import { StatusError } from "./status-error.ts";

export type ReportPorts = {
  readonly store: Store;
  readonly version: string;
  readonly startedAtMs: number;
  instances(): readonly Acknowledgement[];
  sourceProblems(): readonly SourceProblem[];
};

export async function statusReport({ store, version, startedAtMs, ...ports }: ReportPorts): Promise<StatusReport> {
  const [latest, { resources }] = await Promise.all([store.latestRevision(), store.listResources()]);
  const dataPlanes = ports.instances().map(({ name, instance, revision, startedAtMs: since, rejected }) => ({
    name,
    instance,
    revision,
    startedAt: rfc3339(since),
    ...(rejected && { rejected }),
  }));
  const rejections = dataPlanes.flatMap(({ name, rejected }) =>
    rejected === undefined ? [] : [`data plane ${name} refused revision ${rejected.revision}: ${rejected.reason}`],
  );
  return {
    version,
    startedAt: rfc3339(startedAtMs),
    ...(latest && {
      revision: { revision: latest.revision, digest: latest.digest, recordedAt: rfc3339(latest.recordedAtMs) },
    }),
    dataPlanes,
    resources: kinds.map(({ kind }) => {
      const ofKind = resources.filter((resource) => resource.kind === kind);
      return {
        kind,
        total: ofKind.length,
        ready: ofKind.filter((resource) => conditionOf(resource, "Ready")?.status === "True").length,
      };
    }),
    problems: [...ports.sourceProblems().map(problemText), ...rejections, ...resources.flatMap(unready)],
  };
}

const limitMax = 1_000;

/** `?limit=100`, `?requestId=req_…`, `?since=2026-01-31T00:00:00Z`. */
export async function usageReport(store: Store, query: URLSearchParams) {
  const limit = Number(query.get("limit") ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax)
    throw new StatusError("BadRequest", `limit must be a whole number from 1 to ${limitMax}`);
  const since = query.get("since");
  const sinceMs = since === null ? undefined : Date.parse(since);
  if (Number.isNaN(sinceMs)) throw new StatusError("BadRequest", "since must be a time such as 2026-01-31T00:00:00Z");
  const requestId = query.get("requestId") ?? undefined;
  return {
    items: await store.listUsage({
      limit,
      ...(requestId !== undefined && { requestId }),
      ...(sinceMs !== undefined && { sinceMs }),
    }),
  };
}

/** Why a resource is not in force; nothing while it is on its way. */
function unready(resource: StoredResource): string[] {
  const failed = resource.status.conditions.find(({ status }) => status === "False");
  if (failed === undefined || conditionOf(resource, "Ready")?.status !== "False") return [];
  if (failed.reason === "Revoked") return []; // as someone wanted it
  return [
    `${resource.kind} ${resource.namespace}/${resource.name}: ${failed.type}=False, ${failed.reason}: ${failed.message}`,
  ];
}

function conditionOf(resource: StoredResource, type: string) {
  return resource.status.conditions.find((condition) => condition.type === type);
}
