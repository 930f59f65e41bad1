/**
 * A resource's conditions: what the compile found (`Accepted`, `ResolvedRefs`, and others where it has something to say), how
 * far it has come (`Programmed`), whether all is well (`Ready`), and what its own figures mean. A message tells no figure that moves by itself, so that a status is written when something
 * happened to its resource, and not with each revision.
 */

import { type ConditionType, rfc3339 } from "../store/pending-status.ts";
import type { Condition, StoredResource } from "../store/store.ts";

/** What is wrong with a resource, or worth saying about it. */
export type Complaint = {
  /** Others than `Accepted` and `ResolvedRefs` leave a resource in force, and ready. */
  readonly condition: string;
  readonly reason: string;
  readonly message: string;
};

/** How far a resource has come on its way to the data planes. */
export type Progress =
  | { readonly kind: "reached"; readonly of: number }
  | { readonly kind: "under-way"; readonly reached: number; readonly of: number }
  /** The whole snapshot was refused, before or by a data plane. */
  | { readonly kind: "refused"; readonly reason: string };

export type Verdict = Pick<Condition, "status" | "reason" | "message">;

export function conditionsOf(
  resource: StoredResource,
  input: {
    complaints: readonly Complaint[];
    progress: Progress;
    revoked: string | undefined;
    own?: Readonly<Record<string, Verdict>>;
    nowMs: number;
  },
): Condition[] {
  const accepted = foundBy(input.complaints, "Accepted", "Accepted", "Valid");
  const resolved = foundBy(input.complaints, "ResolvedRefs", "ResolvedRefs", "All references are resolved");
  const programmed = accepted.status === "True" ? programmedBy(input.progress) : notProgrammed(accepted);
  const verdicts: Record<ConditionType, Verdict> & Record<string, Verdict> = {
    Accepted: accepted,
    ResolvedRefs: resolved,
    Programmed: programmed,
    Ready: readyBy([accepted, resolved, programmed], input.revoked),
    ...others(input.complaints),
    ...input.own,
  };
  return Object.entries(verdicts).map(([type, verdict]) => {
    const before = resource.status.conditions.find((condition) => condition.type === type);
    const sinceThen = before?.status === verdict.status ? before.lastTransitionTime : rfc3339(input.nowMs);
    return { type, ...verdict, observedGeneration: resource.generation, lastTransitionTime: sinceThen };
  });
}

function foundBy(
  complaints: readonly Complaint[],
  type: Complaint["condition"],
  reason: string,
  fine: string,
): Verdict {
  const own = complaints.filter(({ condition }) => condition === type);
  const [first] = own;
  if (first === undefined) return { status: "True", reason, message: fine };
  return { status: "False", reason: first.reason, message: own.map(({ message }) => message).join("; ") };
}

/** `Priced=False` and the like: shown while there is something to say. */
function others(complaints: readonly Complaint[]): Record<string, Verdict> {
  const types = new Set(complaints.map(({ condition }) => condition));
  types.delete("Accepted");
  types.delete("ResolvedRefs");
  return Object.fromEntries([...types].map((type) => [type, foundBy(complaints, type, type, "")]));
}

function programmedBy(progress: Progress): Verdict {
  switch (progress.kind) {
    case "refused":
      return { status: "False", reason: "SnapshotRefused", message: progress.reason };
    case "under-way":
      if (progress.of === 0) return { status: "Unknown", reason: "NoDataPlane", message: "No data plane is connected" };
      return { status: "False", reason: "Pending", message: `On ${progress.reached} of ${progress.of} data planes` };
    case "reached":
      return { status: "True", reason: "Programmed", message: `On ${progress.of} of ${progress.of} data planes` };
  }
}

function notProgrammed({ reason }: Verdict): Verdict {
  return { status: "False", reason, message: "Not in force, as it was not accepted" };
}

function readyBy(verdicts: readonly Verdict[], revoked: string | undefined): Verdict {
  if (revoked !== undefined) return { status: "False", reason: "Revoked", message: revoked };
  const failing = verdicts.find(({ status }) => status === "False") ?? verdicts.find(({ status }) => status !== "True");
  return failing ?? { status: "True", reason: "Ready", message: "In force" };
}
