/**
 * Brings what the data planes have in line with the record. Level-based: it never asks what changed, looks at all there is,
 * and each step does nothing where nothing is to do. A crash between two steps is healed by the next run.
 */

import type { KeyEntry, Snapshot } from "@sluice/contract";
import { type Act, activeActs } from "../acts/act.ts";
import { alertSecretProblems } from "../alerts/alert-secrets.ts";
import type { CredentialProblem, Credentials } from "../publish/credential-publisher.ts";
import type { SecretSource } from "../sources/secrets.ts";
import type { Complaint } from "../status/conditions.ts";
import type { Revision, Revocation, Store, StoredResource } from "../store/store.ts";
import type { Compiled, RecordInput } from "./record-compiler.ts";

export type ReconcilePorts = {
  readonly store: Pick<Store, "listResources" | "listRevocations" | "listActs" | "latestRevision" | "recordRevision">;
  readonly compile: (input: RecordInput) => Compiled;
  /** The data plane's own loader: no pod is the first to try a snapshot. */
  readonly loadError: (snapshot: Snapshot) => string | undefined;
  readonly publish: {
    credentials(ids: Iterable<string>): Promise<Credentials>;
    keys(input: {
      entries: ReadonlyMap<string, KeyEntry>;
      revocations: readonly Revocation[];
      nowMs: number;
    }): Promise<void>;
    snapshot(revision: Revision): Promise<void>;
  };
  /** Looked into for what signs alerts. */
  readonly secrets: SecretSource;
  readonly nowMs: () => number;
};

export type Outcome = {
  readonly resources: readonly StoredResource[];
  readonly revocations: readonly Revocation[];
  /** Those in force. */
  readonly acts: readonly Act[];
  readonly complaints: ReadonlyMap<string, readonly Complaint[]>;
  /** What is published; absent while nothing ever was. */
  readonly revision: Revision | undefined;
  /** Why the newest snapshot is not the published one. */
  readonly refused: string | undefined;
};

export async function reconcile(ports: ReconcilePorts): Promise<Outcome> {
  const { store, publish } = ports;
  const { resources } = await store.listResources();
  const revocations = await store.listRevocations();
  const acts = activeActs(await store.listActs(), ports.nowMs());

  // Credentials and keys go first: a snapshot finds ready what it names.
  const draft = ports.compile({ resources, acts });
  const { available, problems } = await publish.credentials(draft.credentials);
  const isComplete = draft.credentials.every((id) => available.has(id));
  const compiled = isComplete ? draft : ports.compile({ resources, acts, credentials: available });
  const { revision, refused } = await settleRevision(ports, compiled);
  await publish.keys({ entries: compiled.keys, revocations, nowMs: ports.nowMs() });
  if (revision !== undefined) await publish.snapshot(revision);

  const complaints = withCredentialProblems(compiled.complaints, draft.snapshot, problems);
  for (const [id, more] of await alertSecretProblems(resources, ports.secrets))
    complaints.set(id, [...(complaints.get(id) ?? []), ...more]);
  return { resources, revocations, acts, complaints, revision, refused };
}

/** The last revision stays in force where the data planes would refuse the new one. */
async function settleRevision(
  { store, loadError, nowMs }: ReconcilePorts,
  { snapshot, digest }: Compiled,
): Promise<Pick<Outcome, "revision" | "refused">> {
  const latest = await store.latestRevision();
  if (latest?.digest === digest) return { revision: latest, refused: undefined };
  const refused = loadError(snapshot);
  if (refused !== undefined) return { revision: latest, refused };
  return { revision: await store.recordRevision({ digest, snapshot, recordedAtMs: nowMs() }), refused: undefined };
}

function withCredentialProblems(
  complaints: Compiled["complaints"],
  { providers }: Snapshot,
  problems: ReadonlyMap<string, CredentialProblem>,
): Map<string, readonly Complaint[]> {
  const all = new Map(complaints);
  for (const { id, auth } of providers) {
    const problem = auth === undefined ? undefined : problems.get(auth.credential);
    if (problem === undefined) continue;
    const reason = problem.kind === "missing" ? "SecretNotFound" : "SecretNotUsable";
    const complaint: Complaint = { condition: "ResolvedRefs", reason, message: problem.message };
    all.set(`Provider ${id}`, [...(all.get(`Provider ${id}`) ?? []), complaint]);
  }
  return all;
}
