/**
 * Resources and their history. Writers take one lock each, so that the order of versions is the order of commits: a reader
 * that has seen version 7 never finds a 6 that came later. Who may write what is decided here, whether the resource is
 * sensible is not.
 */

import { canonicalJson } from "@sluice/contract";
import { and, asc, eq, gt, lte, type SQL, sql } from "drizzle-orm";
import { locks, type Queries, rowsOf } from "./database.ts";
import { pendingStatus } from "./pending-status.ts";
import { resourceHistory, resourcePosition, resources } from "./schema.ts";
import type {
  Origin,
  ResourceChange,
  ResourceRef,
  ResourceStatus,
  ResourceWrite,
  StoredResource,
  WriteRefusal,
  Written,
} from "./store.ts";

/** A watcher that is further behind lists again. */
const historyChangesMax = 10_000;
/** The history is cut back each time it has grown by this many changes beyond its bound. */
const historySlack = 1_000;

export type ResourceFilter = { kind?: string; namespace?: string };

export async function listResources(
  queries: Queries,
  filter: ResourceFilter,
): Promise<{ resources: StoredResource[]; resourceVersion: bigint }> {
  return queries.transaction(
    async (transaction) => {
      const found = await transaction
        .select()
        .from(resources)
        .where(matching(resources, filter))
        .orderBy(asc(resources.kind), asc(resources.namespace), asc(resources.name));
      return { resources: found, resourceVersion: (await position(transaction)).newest };
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

export async function getResource(queries: Queries, ref: ResourceRef): Promise<StoredResource | undefined> {
  return (await queries.select().from(resources).where(named(ref)))[0];
}

export function createResource(queries: Queries, write: ResourceWrite, nowMs: number): Promise<Written | WriteRefusal> {
  return writing(queries, async (transaction) => {
    const current = await getResource(transaction, write);
    if (current !== undefined) return { kind: "exists", current };
    const uid = await newUid(transaction);
    const createdAtMs = Math.trunc(nowMs);
    const fresh = { ...fields(write), uid, generation: 1, createdAtMs, status: pendingStatus(nowMs) };
    return written(await keep(transaction, "ADDED", fresh, nowMs));
  });
}

export function updateResource(
  queries: Queries,
  input: { write: ResourceWrite; expected: bigint | undefined; nowMs: number },
): Promise<Written | WriteRefusal> {
  const { write, expected, nowMs } = input;
  return writing(queries, async (transaction) => {
    const current = await getResource(transaction, write);
    if (current === undefined) return { kind: "missing" };
    if (!mayWrite(current.origin, write.origin)) return { kind: "owned", owner: current.origin };
    if (expected !== undefined && expected !== current.resourceVersion) return { kind: "conflict", current };
    if (canonicalJson(fields(write)) === canonicalJson(fields(current)))
      return { kind: "written", resource: current, changed: false };

    const generation = current.generation + (canonicalJson(write.spec) === canonicalJson(current.spec) ? 0 : 1);
    return written(await keep(transaction, "MODIFIED", { ...current, ...fields(write), generation }, nowMs));
  });
}

export function deleteResource(
  queries: Queries,
  input: { ref: ResourceRef; by: Origin; expected: bigint | undefined; nowMs: number },
): Promise<Written | WriteRefusal> {
  return writing(queries, async (transaction) => {
    const current = await getResource(transaction, input.ref);
    if (current === undefined) return { kind: "missing" };
    if (current.origin.kind !== input.by.kind) return { kind: "owned", owner: current.origin };
    if (input.expected !== undefined && input.expected !== current.resourceVersion)
      return { kind: "conflict", current };
    return written(await keep(transaction, "DELETED", current, input.nowMs));
  });
}

/** Answers whether anything was written. */
export function updateStatus(
  queries: Queries,
  input: { ref: ResourceRef & { uid: string }; status: ResourceStatus; nowMs: number },
): Promise<boolean> {
  return writing(queries, async (transaction) => {
    const current = await getResource(transaction, input.ref);
    if (current?.uid !== input.ref.uid) return false;
    if (canonicalJson(current.status) === canonicalJson(input.status)) return false;
    await keep(transaction, "MODIFIED", { ...current, status: input.status }, input.nowMs);
    return true;
  });
}

export async function changesSince(
  queries: Queries,
  resourceVersion: bigint,
  filter: ResourceFilter,
): Promise<ResourceChange[] | "gone"> {
  return queries.transaction(
    async (transaction) => {
      // A version of the future is one of another database, or of this one before it was restored.
      const { newest, forgotten } = await position(transaction);
      if (resourceVersion < forgotten || resourceVersion > newest) return "gone";
      const changes = await transaction
        .select()
        .from(resourceHistory)
        .where(and(gt(resourceHistory.resourceVersion, resourceVersion), matching(resourceHistory, filter)))
        .orderBy(asc(resourceHistory.resourceVersion));
      return changes.map((change) => ({
        type: change.type,
        resource: { ...change.resource, resourceVersion: change.resourceVersion },
      }));
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

function writing<Answer>(queries: Queries, write: (transaction: Queries) => Promise<Answer>): Promise<Answer> {
  return queries.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${locks.resources})`);
    return write(transaction);
  });
}

/** Writes table and history under the next version. */
async function keep(
  queries: Queries,
  type: ResourceChange["type"],
  next: Omit<StoredResource, "resourceVersion">,
  nowMs: number,
): Promise<StoredResource> {
  const [moved] = await queries
    .update(resourcePosition)
    .set({ newest: sql`${resourcePosition.newest} + 1` })
    .returning();
  if (moved === undefined) throw new Error("The table resource_position has lost its only row");
  const resource = { ...next, resourceVersion: moved.newest };

  if (type === "ADDED") await queries.insert(resources).values(resource);
  else if (type === "MODIFIED") await queries.update(resources).set(resource).where(named(next));
  else await queries.delete(resources).where(named(next));

  const { resourceVersion, ...past } = resource;
  const { kind, namespace, name } = next;
  const changedAtMs = Math.trunc(nowMs);
  await queries
    .insert(resourceHistory)
    .values({ resourceVersion, type, kind, namespace, name, changedAtMs, resource: past });
  await forget(queries, moved);
  return resource;
}

async function forget(queries: Queries, { newest, forgotten }: { newest: bigint; forgotten: bigint }): Promise<void> {
  if (newest - forgotten < BigInt(historyChangesMax + historySlack)) return;
  const horizon = newest - BigInt(historyChangesMax);
  await queries.delete(resourceHistory).where(lte(resourceHistory.resourceVersion, horizon));
  await queries.update(resourcePosition).set({ forgotten: horizon });
}

/** A built-in resource gives way to whoever writes it; what a folder or the API made is theirs. */
function mayWrite(owner: Origin, writer: Origin): boolean {
  return owner.kind === writer.kind || owner.kind === "BuiltIn";
}

function written(resource: StoredResource): Written {
  return { kind: "written", resource, changed: true };
}

function fields({ kind, namespace, name, labels, annotations, spec, origin }: ResourceWrite): ResourceWrite {
  return { kind, namespace, name, labels, annotations, spec, origin };
}

function named(ref: ResourceRef): SQL | undefined {
  return and(eq(resources.kind, ref.kind), eq(resources.namespace, ref.namespace), eq(resources.name, ref.name));
}

function matching(table: typeof resources | typeof resourceHistory, filter: ResourceFilter): SQL | undefined {
  return and(
    filter.kind === undefined ? undefined : eq(table.kind, filter.kind),
    filter.namespace === undefined ? undefined : eq(table.namespace, filter.namespace),
  );
}

async function position(queries: Queries): Promise<{ newest: bigint; forgotten: bigint }> {
  const [row] = await queries.select().from(resourcePosition);
  if (row === undefined) throw new Error("The table resource_position has lost its only row");
  return row;
}

async function newUid(queries: Queries): Promise<string> {
  const [row] = await rowsOf<{ uid: string }>(queries, sql`select gen_random_uuid()::text as uid`);
  if (row === undefined) throw new Error("The database made no uid");
  return row.uid;
}
