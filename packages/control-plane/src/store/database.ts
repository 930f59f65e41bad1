/**
 * Database: the one thing that differs between PostgreSQL and PGlite. Everything above it is the same SQL.
 * Both answer int8 as bigint and numeric as text, so that no figure depends on which one is below.
 */

import { mkdir } from "node:fs/promises";
import type { PGlite } from "@electric-sql/pglite";
import type { SQL } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

/** Queries and `transaction`, as drizzle has them for every PostgreSQL; a transaction inside has the same type. */
export type Queries = PgDatabase<PgQueryResultHKT, Record<string, never>>;

export type Database = AsyncDisposable & { readonly queries: Queries };

/** A statement that runs longer is ended by the server: a lost lock or a bad plan must not hold a connection for ever. */
const statementTimeoutMs = 30_000;
const connectTimeoutMs = 5_000;
const connectionsMax = 10;

/** A PostgreSQL server by its URL. `onIdleError`: a connection was lost while nothing used it; the pool makes a new one. */
export async function postgresDatabase(url: string, onIdleError: (error: Error) => void): Promise<Database> {
  const [{ default: pg }, { drizzle }] = await Promise.all([import("pg"), import("drizzle-orm/node-postgres")]);
  // For the whole process, as drizzle looks here and not at the pool; numeric is text already.
  pg.types.setTypeParser(pg.types.builtins.INT8, (text) => BigInt(text));
  const pool = new pg.Pool({
    connectionString: url,
    application_name: "sluice",
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
  });
  pool.on("error", onIdleError);
  return { queries: drizzle(pool), [Symbol.asyncDispose]: () => pool.end() };
}

/** PGlite in a folder, or in memory when there is none, in a thread of its own. One process at a time: the caller sees to that. */
export async function pgliteDatabase(folder?: string): Promise<Database> {
  const [{ PgliteThread }, { drizzle }] = await Promise.all([
    import("./pglite-thread.ts"),
    import("drizzle-orm/pglite"),
    folder === undefined ? undefined : mkdir(folder, { recursive: true, mode: 0o700 }),
  ]);
  const thread = new PgliteThread(folder);
  // drizzle uses `query` and `transaction` of a PGlite, and these are the same here.
  const queries = drizzle({ client: thread as unknown as PGlite });
  return { queries, [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose]() };
}

/** The rows of a statement written in SQL. `Row` is what the statement's select list says; nothing checks it. */
export async function rowsOf<Row>(queries: Queries, statement: SQL): Promise<Row[]> {
  const answer = (await queries.execute(statement)) as { rows: Row[] };
  return answer.rows;
}

/** PostgreSQL's SQLSTATE of a failure, however deep it lies. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ("code" in cause && typeof cause.code === "string") return cause.code;
  return undefined;
}

/** Advisory locks by what they guard, each held until its transaction ends. */
export const locks = { migrations: 0x51_00_01, resources: 0x51_00_02, revisions: 0x51_00_03 } as const;
