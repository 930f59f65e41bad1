/**
 * Writes the status of every resource, or of the limits that have accounts: where it changed. Accounts move all the time, and
 * there may be thousands of limits of which nobody makes a call: those are not read for it.
 */

import { type Acknowledgement, canonicalJson } from "@sluice/contract";
import { isOverride } from "../acts/act.ts";
import type { AlertPolicy } from "../alerts/alert-policy.ts";
import type { Outcome } from "../reconcile/reconcile.ts";
import { rfc3339 } from "../store/pending-status.ts";
import type { Revocation, Store, StoredResource } from "../store/store.ts";
import { conditionsOf, type Progress, type Verdict } from "./conditions.ts";
import { kindStatus } from "./kind-status.ts";
import type { LimitFigures, Refused } from "./known-accounts.ts";
import { limitConditions } from "./limit-conditions.ts";
import { type LimitSituation, limitStatus } from "./limit-status.ts";
import type { SentResources } from "./progress.ts";

export type Situation = {
  readonly outcome: Outcome;
  readonly sent: SentResources;
  readonly instances: readonly Acknowledgement[];
  readonly dataPlaneUrl: string | undefined;
  /** What is known of the accounts of limits. */
  readonly limits: {
    /** By uid. */
    readonly figures: ReadonlyMap<string, LimitFigures>;
    readonly exhausted: ReadonlyMap<string, Refused>;
    readonly policies: ReadonlyMap<string, AlertPolicy>;
    /** Why an acknowledged commit may be lost, if it may. */
    readonly durabilityReduced: string | undefined;
  };
  readonly nowMs: number;
};

export async function writeStatuses(
  store: Pick<Store, "listResources" | "getResource" | "updateStatus">,
  situation: Situation,
  of: "All" | "LimitsInUse" = "All",
): Promise<void> {
  const { resources, revocations, complaints } = situation.outcome;
  const compiled = new Map(resources.map(({ uid, generation }) => [uid, generation]));
  const revoked = new Map(revocations.map((revocation) => [revocation.hash, revocation]));
  const limits = limitsById(situation);
  const written = of === "All" ? (await store.listResources()).resources : await limitsInUse(store, situation);
  for (const resource of written) {
    // What came or changed since the compile has not been looked at: the next run speaks of it.
    if (compiled.get(resource.uid) !== resource.generation) continue;

    const hash = resource.kind === "VirtualKey" ? (resource.spec as { hash?: string }).hash : undefined;
    const revocation = hash === undefined ? undefined : revoked.get(hash);
    const id = `${resource.kind} ${resource.namespace}/${resource.name}`;
    const limit = limitSituation(resource, limits.get(id), situation);
    const conditions = conditionsOf(resource, {
      complaints: complaints.get(id) ?? [],
      progress: progressOf(resource, situation),
      revoked: revocation === undefined ? undefined : revokedMessage(revocation),
      own: limit === undefined ? {} : ownVerdicts(limit, situation),
      nowMs: situation.nowMs,
    });
    const { revision } = situation.outcome;
    const own = limit === undefined ? kindStatus(resource, { ...situation, revision }) : limitStatus(limit);
    const status = { observedGeneration: resource.generation, conditions, ...own };
    // The store tells equal ones apart too, by asking the database.
    if (canonicalJson(status) !== canonicalJson(resource.status)) await store.updateStatus(resource, status);
  }
}

async function limitsInUse(
  store: Pick<Store, "getResource">,
  { limits }: Situation,
): Promise<readonly StoredResource[]> {
  const found: StoredResource[] = [];
  for (const { plan, accounts } of limits.figures.values()) {
    if (accounts.length === 0) continue;
    const [namespace = "", name = ""] = plan.id.split("/");
    const resource = await store.getResource({ kind: plan.kind, namespace, name });
    if (resource !== undefined) found.push(resource);
  }
  return found;
}

/** By `Kind namespace/name`. */
function limitsById({ limits }: Situation): Map<string, LimitFigures> {
  return new Map([...limits.figures.values()].map((figures) => [`${figures.plan.kind} ${figures.plan.id}`, figures]));
}

function limitSituation(
  resource: StoredResource,
  figures: LimitFigures | undefined,
  { limits, outcome, nowMs }: Situation,
): LimitSituation | undefined {
  if (figures === undefined) return undefined;
  const overrides = outcome.acts
    .filter(isOverride)
    .filter(({ body }) => resource.kind === "Budget" && body.budget === figures.plan.id);
  return { ...figures, overrides, exhausted: limits.exhausted, before: resource.status, nowMs };
}

function ownVerdicts(limit: LimitSituation, { limits }: Situation): Record<string, Verdict> {
  const percents = limits.policies.get(limit.plan.id)?.thresholds.map(({ atPercent }) => atPercent) ?? [];
  const { durabilityReduced: message } = limits;
  return {
    ...limitConditions(limit, percents),
    ...(message !== undefined && { DurabilityReduced: { status: "True", reason: "CommitsMayBeLost", message } }),
  };
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
