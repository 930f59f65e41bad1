/** What is asked of the control plane beside its resources: what runs, and what needs a look. */

import { kinds, problemText, type StatusReport } from "@sluice/api";
import type { Acknowledgement } from "@sluice/contract";
import type { SourceProblem } from "../sources/resource-files.ts";
import { conditionTypes, rfc3339 } from "../store/pending-status.ts";
import type { Store, StoredResource } from "../store/store.ts";

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

/** Why a resource is not in force; nothing while it is on its way. */
function unready(resource: StoredResource): string[] {
  const types: readonly string[] = conditionTypes;
  const failed = resource.status.conditions.find(({ type, status }) => types.includes(type) && status === "False");
  if (failed === undefined || conditionOf(resource, "Ready")?.status !== "False") return [];
  if (failed.reason === "Revoked") return []; // as someone wanted it
  return [
    `${resource.kind} ${resource.namespace}/${resource.name}: ${failed.type}=False, ${failed.reason}: ${failed.message}`,
  ];
}

function conditionOf(resource: StoredResource, type: string) {
  return resource.status.conditions.find((condition) => condition.type === type);
}
