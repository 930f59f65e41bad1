/** Journal and spool in processes of their own, killed and cut short: no call that may have cost money goes unrecorded. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recover } from "../src/journal/recover.ts";

const program = join(import.meta.dirname, "books-process.ts");

let folder: string;
const started: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-books-"));
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

type Run = { readonly child: ChildProcess; told: Record<string, unknown>[]; errors: string; ended: Promise<void> };

function run(act: string[], limitKiB?: number): Run {
  const command = limitKiB === undefined ? "" : `ulimit -f ${limitKiB}; `;
  const child = spawn("bash", ["-c", `${command}exec "$0" "$@"`, process.execPath, program, folder, ...act]);
  started.push(child);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const one: Run = { child, told: [], errors: "", ended };
  let text = "";
  child.stdout.on("data", (data) => {
    text += data;
    one.told = text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  });
  child.stderr.on("data", (data) => {
    one.errors += data;
  });
  return one;
}

async function until(condition: () => boolean, run: Run): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline || run.child.exitCode !== null)
      throw new Error(`It does not serve: ${run.errors}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

type Recorded = { instance: string; seq: number; requestId: string; costNanoUsd: number; folded?: number };

function recorded(): Recorded[] {
  return readdirSync(join(folder, "spool"))
    .sort()
    .flatMap((file) => readFileSync(join(folder, "spool", file), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

function upstream(): string[] {
  return readFileSync(join(folder, "upstream"), "utf8").trim().split("\n");
}

function books(bootId = "boot") {
  return recover({ folder: join(folder, "journal"), bootId, owner: "pod" });
}

test("killed ten times under load: each call that reached the provider is recorded once, and charged what its lease is", async () => {
  for (let round = 0; round < 10; round++) {
    const one = run(["boot", "serve"]);
    await until(() => one.told.some(({ serving }) => serving === true), one);
    await new Promise((resolve) => setTimeout(resolve, (round * 37) % 120));
    one.child.kill("SIGKILL");
    await one.ended;
    expect(one.told[0]).toMatchObject(round === 0 ? { took: "nothing" } : { took: true, flaws: [] });
  }
  const last = run(["boot", "finish"]);
  await last.ended;
  const events = recorded();
  const ids = events.map(({ requestId }) => requestId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(upstream().filter((id) => !ids.includes(id))).toEqual([]);
  // At most one a round was reserved and did not reach the provider.
  expect(ids.length - upstream().length).toBeLessThanOrEqual(10);
  expect(events.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0)).toBe(books()?.leases[0]?.settled);
  const numbers = new Map<string, number[]>();
  for (const { instance, seq } of events) numbers.set(instance, [...(numbers.get(instance) ?? []), seq]);
  for (const seqs of numbers.values()) expect(seqs).toEqual(seqs.map((_seq, index) => index + 1));
  expect(ids.length).toBeGreaterThan(100);
}, 60_000);

test.for([
  ["before the reservation", { open: 0, sent: 0, cost: 0 }],
  ["after the reservation", { open: 1, sent: 0, cost: 10 }],
  ["mid-stream", { open: 1, sent: 1, cost: 10 }],
  ["after the settlement", { open: 0, sent: 1, cost: 3 }],
] as const)("a process killed %s", async ([point, expected]) => {
  await run(["boot", "once", point]).ended;
  expect(books()?.open.length).toBe(expected.open);
  expect(expected.sent === 0 || upstream().length === 1).toBe(true);
  const next = run(["boot", "finish"]);
  await next.ended;
  expect(next.told[0]).toMatchObject({ took: true, open: expected.open });
  expect(recorded().map(({ costNanoUsd }) => costNanoUsd)).toEqual(expected.cost === 0 ? [] : [expected.cost]);
  expect(books()).toMatchObject({ complete: true, open: [], events: [] });
});

test("on another boot a killed process's books are read and not taken for complete", async () => {
  await run(["boot", "once", "mid-stream"]).ended;
  const next = run(["another boot", "finish"]);
  await next.ended;
  expect(next.told[0]).toMatchObject({ took: false, flaws: ["the machine was restarted since"], open: 1 });
});

test("of two processes on one folder the second one refuses, and says which the first is", async () => {
  const first = run(["boot", "serve"]);
  await until(() => first.told.some(({ serving }) => serving === true), first);
  const second = run(["boot", "serve"]);
  await second.ended;
  expect(second.child.exitCode).toBe(1);
  expect(second.errors).toContain(`is in use by process ${first.child.pid}`);
  first.child.kill("SIGKILL");
  await first.ended;
  const third = run(["boot", "finish"]);
  await third.ended;
  expect(third.child.exitCode).toBe(0);
});

test("where files can't grow: reservations are refused before the provider, what is open settles, and all is recorded", async () => {
  const one = run(["boot", "fill"], 600);
  await one.ended;
  expect(one.errors).toBe("");
  const told = one.told.at(-1) as { open: number; settled: number };
  expect(told).toMatchObject({ refused: true, settled: told.open, state: "ok" });
  expect(told.open).toBeGreaterThan(20);
  expect(recorded().map(({ requestId }) => requestId)).toEqual(upstream());
  expect(upstream()).toHaveLength(told.open + 1);
  expect(books()).toMatchObject({ complete: true, closed: true, open: [], events: [] });
});

test("a spool whose file can't grow cuts off what was half written, and goes on in another", async () => {
  const one = run(["boot", "spoolOnly"], 100);
  await one.ended;
  expect(one.errors).toBe("");
  expect(readdirSync(join(folder, "spool")).length).toBeGreaterThan(2);
  const events = recorded();
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
  expect(events.reduce((sum, event) => sum + (event.folded ?? 1), 0)).toBe(300);
});
