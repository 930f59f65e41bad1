/** Migrations, on both databases; what concerns locks between processes on PostgreSQL alone, as PGlite has one. */

import { sql } from "drizzle-orm";
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testClock, testLog } from "../../test/observed.ts";
import { type PostgresServer, startPostgres } from "../../test/postgres-server.ts";
import { type Database, pgliteDatabase, postgresDatabase, rowsOf } from "./database.ts";
import { type Migration, migrate, ownMigrations } from "./migrate.ts";
import { openPostgresStore } from "./postgres.ts";
import * as schema from "./schema.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

const { nowMs } = testClock();
const first: Migration = {
  number: 1,
  name: "0001-a.sql",
  sql: "-- A table; with a comment.\ncreate table a (x int8);\n",
};
const second: Migration = {
  number: 2,
  name: "0002-b.sql",
  sql: "alter table a add y int8;\ncreate table b (z int8);\n",
};

describe.each(["PGlite", "PostgreSQL"] as const)("on %s", (kind) => {
  // A PGlite takes seconds to make: one is emptied for each test.
  let pglite: Database | undefined;
  const open = async (): Promise<Database> => {
    if (kind === "PostgreSQL") return postgresDatabase(await server.createDatabase(), () => {});
    pglite ??= await pgliteDatabase();
    await pglite.queries.execute(sql`drop schema public cascade`);
    await pglite.queries.execute(sql`create schema public`);
    return { queries: pglite.queries, [Symbol.asyncDispose]: async () => {} };
  };
  afterAll(() => pglite?.[Symbol.asyncDispose]());

  test("each migration is applied once, in order", async () => {
    await using database = await open();
    await migrate(database.queries, [first], nowMs);
    await migrate(database.queries, [first, second], nowMs);
    await migrate(database.queries, [first, second], nowMs);
    await database.queries.execute(sql`insert into a (x, y) values (1, 2)`);
    const applied = await rowsOf(database.queries, sql`select number, name, applied_at_ms from schema_migrations`);
    expect(applied).toEqual([
      { number: 1, name: first.name, applied_at_ms: BigInt(nowMs()) },
      { number: 2, name: second.name, applied_at_ms: BigInt(nowMs()) },
    ]);
  });

  test("a migration that fails leaves everything as it was", async () => {
    await using database = await open();
    const broken: Migration = { number: 2, name: "0002-broken.sql", sql: "create table b (z int8);\nselect 1 / 0;\n" };
    await expect(migrate(database.queries, [first, broken], nowMs)).rejects.toThrow();
    await migrate(database.queries, [first, second], nowMs);
  });

  test("a database that is newer than the code is refused, with the way out", async () => {
    await using database = await open();
    await migrate(database.queries, [first, second], nowMs);
    await expect(migrate(database.queries, [first], nowMs)).rejects.toThrow(
      "The database is newer than this Sluice: it has the migration 0002-b.sql, the newest known here is 0001-a.sql. " +
        "Start the newer Sluice, or restore a backup from before the upgrade",
    );
  });

  test("a database that another migration of that number made is refused", async () => {
    await using database = await open();
    await migrate(database.queries, [first], nowMs);
    const other = { ...first, sql: "create table a (x text);\n" };
    await expect(migrate(database.queries, [other], nowMs)).rejects.toThrow(/made by another 0001-a.sql/);
  });

  test("the tables are those that the code's schema names, column by column", async () => {
    await using database = await open();
    await migrate(database.queries, ownMigrations(), nowMs);
    const found = await rowsOf(
      database.queries,
      sql`select table_name as "table", column_name as "column", data_type as "type", is_nullable = 'NO' as "notNull"
          from information_schema.columns where table_schema = 'public' and table_name <> 'schema_migrations'
          order by table_name, ordinal_position`,
    );
    const tables = (Object.values(schema) as PgTable[]).map(getTableConfig);
    const expected = tables
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap(({ name, columns, primaryKeys }) =>
        columns.map((column) => {
          const inPrimaryKey = column.primary || primaryKeys.some((key) => key.columns.includes(column));
          const notNull = column.notNull || inPrimaryKey;
          return { table: name, column: column.name, type: column.getSQLType(), notNull };
        }),
      );
    expect(found).toEqual(expected);
  });
});

describe("on PostgreSQL alone", () => {
  test("replicas that start together make the tables once", async () => {
    const url = await server.createDatabase();
    const stores = await Promise.all(
      Array.from({ length: 5 }, () => openPostgresStore(url, { nowMs, log: testLog() })),
    );
    for (const store of stores) await store[Symbol.asyncDispose]();
  });

  test("writers in two processes get versions in the order of their commits", async () => {
    const url = await server.createDatabase();
    await using one = await openPostgresStore(url, { nowMs, log: testLog() });
    await using two = await openPostgresStore(url, { nowMs, log: testLog() });
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : two).createResource({
          ...{ kind: "Route", namespace: "ai", name: `chat-${index}`, labels: {}, annotations: {}, spec: {} },
          origin: { kind: "API" },
        }),
      ),
    );
    expect(made.every((answer) => answer.kind === "written")).toBe(true);
    const changes = await one.changesSince(0n, {});
    if (changes === "gone") throw new Error("gone");
    expect(changes.map(({ resource }) => resource.resourceVersion)).toEqual(
      Array.from({ length: 40 }, (_, index) => BigInt(index + 1)),
    );
  });

  test("a server that was away is used again once it is back", async () => {
    await using database = await postgresDatabase(await server.createDatabase(), () => {});
    await rowsOf(database.queries, sql`select 1`);
    await using admin = await postgresDatabase(await server.createDatabase(), () => {});
    await admin.queries.execute(
      sql`select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    await expect
      .poll(() => rowsOf(database.queries, sql`select 1 as one`).catch(() => "away"), { timeout: 20_000 })
      .toEqual([{ one: 1 }]);
  });
});
