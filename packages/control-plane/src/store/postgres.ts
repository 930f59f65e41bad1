/** The Store on a Database. Each method's failure says what was being done, and never quotes the statement's values. */

import { asc, DrizzleQueryError } from "drizzle-orm";
import type { Log } from "../log.ts";
import { alertStore } from "./alerts.ts";
import { type Database, pgliteDatabase, postgresDatabase } from "./database.ts";
import * as leases from "./leases.ts";
import * as ledgerSums from "./ledger-sums.ts";
import { migrate, ownMigrations } from "./migrate.ts";
import { copyPreparedFolder } from "./prepared-folder.ts";
import * as reports from "./reports.ts";
import * as resources from "./resources.ts";
import * as revisions from "./revisions.ts";
import { revocations } from "./schema.ts";
import type { ChangeKind, Store, WriteRefusal, Written } from "./store.ts";
import * as usage from "./usage.ts";

export type StorePorts = { nowMs(): number; log: Log };

/** The Store on a PostgreSQL server; its tables are made or brought up to date first. */
export async function openPostgresStore(url: string, ports: StorePorts): Promise<Store> {
  const database = await postgresDatabase(url, (error) =>
    ports.log.warn("a database connection was lost", { reason: error.message }),
  );
  return openStore(database, ports);
}

/**
 * The Store in a folder (PGlite), or in memory without one. `prepared`: where `prepareDataFolder` has left a folder to begin
 * with.
 */
export async function openPgliteStore(
  place: { folder?: string; prepared?: string },
  ports: StorePorts,
): Promise<Store> {
  const { folder, prepared } = place;
  if (folder !== undefined && prepared !== undefined) await copyPreparedFolder(prepared, folder);
  return openStore(await pgliteDatabase(folder), ports);
}

async function openStore(database: Database, ports: StorePorts): Promise<Store> {
  try {
    await doing("bring the tables up to date", migrate(database.queries, ownMigrations(), ports.nowMs));
    return storeOn(database, ports);
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

/** The Store on a database whose tables are up to date. */
function storeOn(database: Database, { nowMs, log }: StorePorts): Store {
  const { queries } = database;
  const listeners = new Set<(change: ChangeKind) => void>();
  const tell = (change: ChangeKind) => {
    for (const listener of listeners) listener(change);
  };
  const told = <Answer extends Written | WriteRefusal>(answer: Answer): Answer => {
    if (answer.kind === "written" && answer.changed) tell("resource");
    return answer;
  };

  return {
    ...alertStore(queries, doing),
    listResources: (filter = {}) => doing("list resources", resources.listResources(queries, filter)),
    getResource: (ref) => doing(`read ${named(ref)}`, resources.getResource(queries, ref)),
    createResource: async (write) =>
      told(await doing(`create ${named(write)}`, resources.createResource(queries, write, nowMs()))),
    updateResource: async (write, expected) =>
      told(
        await doing(`update ${named(write)}`, resources.updateResource(queries, { write, expected, nowMs: nowMs() })),
      ),
    deleteResource: async (ref, by, expected) =>
      told(
        await doing(`delete ${named(ref)}`, resources.deleteResource(queries, { ref, by, expected, nowMs: nowMs() })),
      ),
    async updateStatus(ref, status) {
      const writing = resources.updateStatus(queries, { ref, status, nowMs: nowMs() });
      if (await doing(`write the status of ${named(ref)}`, writing)) tell("status");
    },
    changesSince: (version, filter) =>
      doing("read the history of resources", resources.changesSince(queries, version, filter)),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    latestRevision: () => doing("read the newest revision", revisions.latestRevision(queries)),
    recordRevision: (input) => doing("record a revision", revisions.recordRevision(queries, input)),

    async revokeKey(revocation) {
      // The first revocation stands: who and why must not change afterwards.
      await doing("revoke a key", queries.insert(revocations).values(revocation).onConflictDoNothing());
      tell("revocation");
    },
    listRevocations: () =>
      doing("list revoked keys", queries.select().from(revocations).orderBy(asc(revocations.hash))),

    async recordUsage(batch) {
      const recording = usage.recordUsage(queries, batch, nowMs());
      const { watermark, rejects } = await doing(`record usage of ${batch.instance}`, recording);
      for (const { seq, reason } of rejects)
        log.error("a usage event could not be read; its line is kept in usage_rejects", {
          instance: batch.instance,
          seq,
          reason,
        });
      return { watermark, rejected: rejects.length };
    },
    usageWatermark: (instance) => doing("read a usage watermark", usage.usageWatermark(queries, instance)),
    listUsage: (query) => doing("list usage", usage.listUsage(queries, query)),

    spend: (question) => doing("sum up spend", reports.spend(queries, question)),
    listCorrectedUsage: (query) => doing("list usage", reports.listCorrectedUsage(queries, query)),
    recordCorrections: (corrections, deltasOf) =>
      doing("record corrections", reports.recordCorrections(queries, corrections, deltasOf)),
    listActs: () => doing("list acts", reports.listActs(queries)),
    async putAct(act) {
      await doing("keep an act", reports.putAct(queries, act));
      tell("act");
    },
    async undoAct(id, undone) {
      if (await doing("undo an act", reports.undoAct(queries, id, undone))) tell("act");
    },

    readLeases: (rows) => doing("read leases", leases.readLeases(queries, rows)),
    writeLeases: (changes, expected) => doing("write leases", leases.writeLeases(queries, changes, expected)),
    listAccounts: (filter = {}) => doing("list accounts", leases.listAccounts(queries, filter)),
    accountsOfSessions: (sessions) =>
      doing("list the accounts of sessions", leases.accountsOfSessions(queries, sessions)),
    silentSessions: (query) => doing("look for silent sessions", leases.silentSessions(queries, query)),
    unheardSessions: (epoch, limit) =>
      doing("look for sessions that were not heard", leases.unheardSessions(queries, epoch, limit)),
    forgetAccounts: (endedBeforeMs) => doing("forget old accounts", leases.forgetAccounts(queries, endedBeforeMs)),
    listLimitBooks: () => doing("read the books of limits", ledgerSums.listLimitBooks(queries)),
    writeLimitBooks: (books) => doing("write the books of limits", ledgerSums.writeLimitBooks(queries, books)),
    ledgerSums: (question) => doing("sum up the ledger", ledgerSums.ledgerSums(queries, question)),
    ledgerCharges: (accounts, sinceMs) => doing("sum up charges", ledgerSums.ledgerCharges(queries, accounts, sinceMs)),
    durability: () => doing("look how durable commits are", ledgerSums.durability(queries)),

    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** A failure keeps the database's own words; drizzle's, which quote every value of the statement, stay out of logs. */
async function doing<Answer>(what: string, work: PromiseLike<Answer>): Promise<Answer> {
  try {
    return await work;
  } catch (error) {
    const cause = error instanceof DrizzleQueryError && error.cause !== undefined ? error.cause : error;
    throw new Error(`The record could not ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function named({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string {
  return `${kind} ${namespace}/${name}`;
}
