/** Writes the status of every resource: those that changed, as the store tells an equal one apart and leaves it. */

import type { Acknowledgement } from "@sluice/contract";
import type { Outcome } from "../reconcile/reconcile.ts";
import { rfc3339 } from "../store/pending-status.ts";
import type { Revocation, Store, StoredResource } from "../store/store.ts";
import { conditionsOf, type Progress } from "./conditions.ts";
import { kindStatus } from "./kind-status.ts";
import type { SentResources } from "./progress.ts";

export type Situation = {
  readonly outcome: Outcome;
  readonly sent: SentResources;
  readonly instances: readonly Acknowledgement[];
  readonly dataPlaneUrl: string | undefined;
  readonly nowMs: number;
};

export async function writeStatuses(
  store: Pick<Store, "listResources" | "updateStatus">,
  situation: Situation,
): Promise<void> {
  const { resources, revocations, complaints } = situation.outcome;
  const compiled = new Map(resources.map(({ uid, generation }) => [uid, generation]));
  const revoked = new Map(revocations.map((revocation) => [revocation.hash, revocation]));
  for (const resource of (await store.listResources()).resources) {
    // What came or changed since the compile has not been looked at: the next run speaks of it.
    if (compiled.get(resource.uid) !== resource.generation) continue;

    const hash = resource.kind === "VirtualKey" ? (resource.spec as { hash?: string }).hash : undefined;
    const revocation = hash === undefined ? undefined : revoked.get(hash);
    const conditions = conditionsOf(resource, {
      complaints: complaints.get(`${resource.kind} ${resource.namespace}/${resource.name}`) ?? [],
      progress: progressOf(resource, situation),
      revoked: revocation === undefined ? undefined : revokedMessage(revocation),
      nowMs: situation.nowMs,
    });
    const { revision } = situation.outcome;
    const own = kindStatus(resource, { ...situation, revision });
    await store.updateStatus(resource, { observedGeneration: resource.generation, conditions, ...own });
  }
}

function progressOf(resource: StoredResource, { sent, instances, outcome }: Situation): Progress {
  const progress = sent.progressOf(resource, instances);
  // What is in force stays so; only what waits for the refused snapshot hears of it.
  if (progress.kind === "reached" || outcome.refused === undefined) return progress;
  return { kind: "refused", reason: outcome.refused };
}

function revokedMessage({ revokedAtMs, by, reason }: Revocation): string {
  return `Revoked by ${by} on ${rfc3339(revokedAtMs)}${reason === "" ? "" : `: ${reason}`}`;
}
