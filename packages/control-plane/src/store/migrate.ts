/**
 * Brings the tables to what this code expects. All that is missing is applied in one transaction under a lock, so that
 * replicas that start together, or a start that is cut off, leave nothing half done.
 */

import { readdirSync, readFileSync } from "node:fs";
import { digestOf } from "@sluice/contract";
import { sql } from "drizzle-orm";
import { locks, type Queries, rowsOf } from "./database.ts";

export type Migration = { readonly number: number; readonly name: string; readonly sql: string };

/** The files of `migrations/`, in order. */
export function ownMigrations(folder: URL = new URL("./migrations/", import.meta.url)): Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name) => ({
    number: Number.parseInt(name, 10),
    name,
    sql: readFileSync(new URL(name, folder), "utf8"),
  }));
}

/** Throws, and changes nothing, when the database is newer than this code or was made by other migrations. */
export async function migrate(queries: Queries, migrations: readonly Migration[], nowMs: () => number): Promise<void> {
  await queries.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${locks.migrations})`);
    const applied = new Map((await appliedMigrations(transaction)).map((row) => [row.number, row]));
    refuseForeign(migrations, [...applied.values()]);
    for (const migration of migrations) {
      if (applied.has(migration.number)) continue;
      for (const statement of statementsOf(migration.sql)) await transaction.execute(sql.raw(statement));
      await transaction.execute(sql`insert into schema_migrations (number, name, digest, applied_at_ms)
        values (${migration.number}, ${migration.name}, ${digestOf(migration.sql)}, ${nowMs()})`);
    }
  });
}

type AppliedMigration = { number: number; name: string; digest: string };

async function appliedMigrations(queries: Queries): Promise<AppliedMigration[]> {
  await queries.execute(sql`create table if not exists schema_migrations
    (number int4 primary key, name text not null, digest text not null, applied_at_ms int8 not null)`);
  return rowsOf<AppliedMigration>(queries, sql`select number, name, digest from schema_migrations order by number`);
}

function refuseForeign(migrations: readonly Migration[], applied: readonly AppliedMigration[]): void {
  const known = new Map(migrations.map((migration) => [migration.number, migration]));
  for (const row of applied) {
    const migration = known.get(row.number);
    if (migration === undefined)
      throw new Error(
        `The database is newer than this Sluice: it has the migration ${row.name}, the newest known here is ` +
          `${migrations.at(-1)?.name}. Start the newer Sluice, or restore a backup from before the upgrade`,
      );
    if (digestOf(migration.sql) !== row.digest)
      throw new Error(
        `The database was made by another ${row.name} than this Sluice's. Start the Sluice that made it, ` +
          "or point this one at an empty database or data folder",
      );
  }
}

/** A statement ends with a `;` at the end of a line: PGlite takes one at a time. */
function statementsOf(text: string): string[] {
  return text.split(/;\s*$/m).filter((statement) => statement.replaceAll(/^\s*(--.*)?$/gm, "") !== "");
}
