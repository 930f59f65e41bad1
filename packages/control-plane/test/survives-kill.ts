/** Kills a writer of a PGlite folder `times` times at random moments; each next start must open it, with all that was confirmed. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { openPgliteStore } from "../src/store/postgres.ts";
import { testLog } from "./observed.ts";

const writer = fileURLToPath(import.meta.resolve("./killed-writer.ts"));

export async function survivesKill(times: number): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "sluice-killed-"));
  const folder = join(root, "pgdata");
  let confirmed = -1;
  try {
    for (let time = 0; time < times; time++) confirmed = Math.max(confirmed, await writeUntilKilled(folder, time));
    await using store = await openPgliteStore({ folder }, { nowMs: () => Date.now(), log: testLog() });
    const { resources, resourceVersion } = await store.listResources();
    expect(resources.length).toBeGreaterThan(confirmed);
    expect(resourceVersion).toBe(BigInt(resources.length));
    expect(await store.usageWatermark("i")).toBeGreaterThan(confirmed);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Answers the last number that the writer confirmed. Fails when it could not open the folder. */
async function writeUntilKilled(folder: string, time: number): Promise<number> {
  const child = spawn(process.execPath, [writer, folder], { stdio: ["ignore", "pipe", "pipe"] });
  let [confirmed, complaint] = ["", ""];
  child.stderr.on("data", (chunk) => {
    complaint += chunk;
  });
  child.stdout.on("data", (chunk) => {
    confirmed += chunk;
    // Killed some writes later, each time at another moment of one.
    if (confirmed.split("\n").length > 10 + 7 * time) setTimeout(() => child.kill("SIGKILL"), Math.random() * 10);
  });
  const [, signal] = await once(child, "close");
  expect(signal, complaint).toBe("SIGKILL");
  return Number(confirmed.trimEnd().split("\n").at(-1));
}
