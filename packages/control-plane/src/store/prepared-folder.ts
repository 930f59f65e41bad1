/**
 * A data folder made beforehand: making one takes PGlite seconds, copying one a third of one. The install prepares
 * it; a start that finds none makes its own, slower.
 */

import { cpSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "@sluice/contract";
import { sql } from "drizzle-orm";
import { pgliteDatabase, type Queries } from "./database.ts";
import { migrate, ownMigrations } from "./migrate.ts";

/** Makes the folder inside `cache`, unless it is there; forgets those of other migrations. Answers its path. */
export async function prepareDataFolder(cache: string, nowMs: () => number): Promise<string> {
  await mkdir(cache, { recursive: true });
  const name = preparedName();
  const present = await readdir(cache);
  if (present.includes(name)) return join(cache, name);

  for (const other of present) if (other.startsWith(prefix)) await rm(join(cache, other), { recursive: true });
  const unfinished = join(cache, `${prefix}unfinished-${process.pid}`);
  {
    await using database = await pgliteDatabase(unfinished);
    await migrate(database.queries, ownMigrations(), nowMs);
    await dropTemplates(database.queries);
  }
  await rename(unfinished, join(cache, name));
  return join(cache, name);
}

/** Puts a copy at `folder` when nothing is there yet and a prepared one is in `cache`. Answers whether it did. */
export async function copyPreparedFolder(cache: string, folder: string): Promise<boolean> {
  const present = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (present.length > 0) return false;

  // Copied beside its place and moved there at the end: a start that is killed here leaves no half folder behind.
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  try {
    // Sync: a thousand small files take much less time than with an await each.
    cpSync(join(cache, preparedName()), unfinished, { recursive: true });
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
  return true;
}

/** They are what new databases are copied from, which nobody makes here, and two thirds of the files. */
async function dropTemplates(queries: Queries): Promise<void> {
  for (const template of ["template0", "template1"]) {
    await queries.execute(sql.raw(`alter database ${template} is_template false`));
    await queries.execute(sql.raw(`drop database ${template}`));
  }
}

const prefix = "pgdata-";

/** PGlite's own version is not part of it: it opens every folder of its PostgreSQL's major version, which `18` stands for. */
function preparedName(): string {
  const tables = ownMigrations()
    .map((migration) => migration.sql)
    .join("\n");
  return `${prefix}18-${digestOf(tables).slice("sha256:".length, "sha256:".length + 16)}`;
}
