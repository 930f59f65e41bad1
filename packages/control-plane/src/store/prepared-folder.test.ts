import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testClock, testLog } from "../../test/observed.ts";
import { openPgliteStore } from "./postgres.ts";
import { copyPreparedFolder, prepareDataFolder } from "./prepared-folder.ts";

const clock = testClock();
const ports = { nowMs: clock.nowMs, log: testLog() };
const route = {
  ...{ kind: "Route", namespace: "ai", name: "chat", labels: {}, annotations: {}, spec: {} },
  origin: { kind: "API" },
} as const;

let root: string;
let cache: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-prepared-"));
  cache = join(root, "cache");
  folder = join(root, "pgdata");
});
afterEach(() => rmSync(root, { recursive: true }));

test("a first start copies the prepared folder, later ones keep their own", async () => {
  const prepared = await prepareDataFolder(cache, clock.nowMs);
  expect(await prepareDataFolder(cache, clock.nowMs), "made once").toBe(prepared);
  mkdirSync(folder);
  {
    await using store = await openPgliteStore({ folder, prepared: cache }, ports);
    expect(await store.listResources()).toEqual({ resources: [], resourceVersion: 0n });
    await store.createResource(route);
  }
  await using store = await openPgliteStore({ folder, prepared: cache }, ports);
  expect(await store.getResource(route)).toMatchObject({ name: "chat" });
  expect(readdirSync(cache), "nothing unfinished is left").toHaveLength(1);
});

test("without a prepared folder a start makes its own", async () => {
  await using store = await openPgliteStore({ folder, prepared: join(root, "none") }, ports);
  await store.createResource(route);
  expect(existsSync(join(folder, "PG_VERSION"))).toBe(true);
});

test("a copy that was cut off is begun again", async () => {
  await prepareDataFolder(cache, clock.nowMs);
  mkdirSync(`${folder}.unfinished`);
  writeFileSync(join(`${folder}.unfinished`, "PG_VERSION"), "torn");
  expect(await copyPreparedFolder(cache, folder)).toBe(true);
  await using store = await openPgliteStore({ folder }, ports);
  await store.createResource(route);
});

test("a preparation for other tables is replaced", async () => {
  mkdirSync(join(cache, "pgdata-18-0000000000000000"), { recursive: true });
  await prepareDataFolder(cache, clock.nowMs);
  expect(readdirSync(cache)).toEqual([expect.not.stringContaining("0000000000000000")]);
});
