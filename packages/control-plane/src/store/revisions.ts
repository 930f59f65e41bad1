/** Revisions: every snapshot that was published, numbered from 1 on. */

import type { Snapshot } from "@sluice/contract";
import { desc, lte, sql } from "drizzle-orm";
import { locks, type Queries } from "./database.ts";
import { revisions } from "./schema.ts";
import type { Revision } from "./store.ts";

/** Older ones are forgotten. */
const revisionsMax = 200;

export async function latestRevision(queries: Queries): Promise<Revision | undefined> {
  return (await queries.select().from(revisions).orderBy(desc(revisions.revision)).limit(1))[0];
}

export function recordRevision(
  queries: Queries,
  input: { digest: string; snapshot: Snapshot; recordedAtMs: number },
): Promise<Revision> {
  return queries.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${locks.revisions})`);
    const newest = await transaction
      .select({ revision: revisions.revision })
      .from(revisions)
      .orderBy(desc(revisions.revision))
      .limit(1);
    const revision = (newest[0]?.revision ?? 0) + 1;
    const recorded = { ...input, revision };
    await transaction.insert(revisions).values(recorded);
    await transaction.delete(revisions).where(lte(revisions.revision, revision - revisionsMax));
    return recorded;
  });
}
