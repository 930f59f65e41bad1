/** What a resource's status says from its first moment until the first reconcile has looked at it. */

import type { ResourceStatus } from "./store.ts";

export const conditionTypes = ["Accepted", "ResolvedRefs", "Programmed", "Ready"] as const;
export type ConditionType = (typeof conditionTypes)[number];

export function pendingStatus(nowMs: number): ResourceStatus {
  return {
    conditions: conditionTypes.map((type) => ({
      type,
      status: "Unknown",
      reason: "Pending",
      message: "Waiting for the control plane",
      observedGeneration: 0,
      lastTransitionTime: rfc3339(nowMs),
    })),
  };
}

/** RFC 3339 in UTC, whole seconds: how Kubernetes writes times. */
export function rfc3339(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
