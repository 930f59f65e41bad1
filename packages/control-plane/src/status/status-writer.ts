/** Writes the status of every resource: those that changed, as the store tells an equal one apart and leaves it. */

import type { Acknowledgement } from "@sluice/contract";
import { rfc3339 } from "../store/pending-status.ts";
import type { Revision, Revocation, Store, StoredResource } from "../store/store.ts";
import { type Complaint, conditionsOf, type Progress } from "./conditions.ts";
import { kindStatus } from "./kind-status.ts";
import type { SentResources } from "./progress.ts";

export type Situation = {
  readonly resources: readonly StoredResource[];
  /** By `Kind namespace/name`. */
  readonly complaints: ReadonlyMap<string, readonly Complaint[]>;
  readonly revision: Revision | undefined;
  /** Why the newest compile was not published. */
  readonly refused: string | undefined;
  readonly sent: SentResources;
  readonly instances: readonly Acknowledgement[];
  readonly revocations: readonly Revocation[];
  readonly dataPlaneUrl: string | undefined;
  readonly nowMs: number;
};

export async function writeStatuses(store: Pick<Store, "updateStatus">, situation: Situation): Promise<void> {
  const revoked = new Map(situation.revocations.map((revocation) => [revocation.hash, revocation]));
  for (const resource of situation.resources) {
    const hash = resource.kind === "VirtualKey" ? (resource.spec as { hash?: string }).hash : undefined;
    const revocation = hash === undefined ? undefined : revoked.get(hash);
    const conditions = conditionsOf(resource, {
      complaints: situation.complaints.get(`${resource.kind} ${resource.namespace}/${resource.name}`) ?? [],
      progress: progressOf(resource, situation),
      revoked: revocation === undefined ? undefined : revokedMessage(revocation),
      nowMs: situation.nowMs,
    });
    const own = kindStatus(resource, situation);
    await store.updateStatus(resource, { observedGeneration: resource.generation, conditions, ...own });
  }
}

function progressOf(resource: StoredResource, { sent, instances, refused }: Situation): Progress {
  const progress = sent.progressOf(resource, instances);
  // What is in force stays so; only what waits for the refused snapshot hears of it.
  return progress.kind === "reached" || refused === undefined ? progress : { kind: "refused", reason: refused };
}

function revokedMessage({ revokedAtMs, by, reason }: Revocation): string {
  return `Revoked by ${by} on ${rfc3339(revokedAtMs)}${reason === "" ? "" : `: ${reason}`}`;
}
