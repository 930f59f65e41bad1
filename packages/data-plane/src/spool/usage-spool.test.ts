import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBus } from "@sluice/bus";
import type { Bus, UsageEvent } from "@sluice/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UsageSpool, type UsageSpoolInput } from "./usage-spool.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const instance = "a".repeat(32);

let folder: string;
let bus: Bus;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-spool-"));
  bus = createMemoryBus().connect();
});
afterEach(async () => {
  await bus[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function started(more: Partial<UsageSpoolInput> = {}): Promise<UsageSpool> {
  const spool = new UsageSpool({ folder, instance, bus, log: quiet, ...more });
  await spool.start();
  return spool;
}

function members(count: number, key = "k/1"): string {
  const event = {
    ...{ requestId: `r${count}`, startedAtMs: 1_000 + count, durationMs: 1, outcome: "Served", status: 200 },
    ...{ protocol: "openai", operation: "chat.completions", stream: false, key, attempts: 1 },
    ...{ requestBytes: 1, responseBytes: 1, costNanoUsd: 7, charges: [["0@l/usd", 7]] },
  };
  return JSON.stringify(event).slice(1, -1);
}

function onDisk(of = instance): UsageEvent[] {
  return readdirSync(folder)
    .filter((file) => file.startsWith(of))
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

function calls(events: readonly { folded?: number | undefined }[]): number {
  return events.reduce((sum, { folded }) => sum + (folded ?? 1), 0);
}

function expectNumberedFrom(first: number, events: readonly UsageEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => first + index));
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A ledger that takes all, once it is let. */
async function ledger(): Promise<UsageEvent[]> {
  const taken: UsageEvent[] = [];
  await bus.stream("usage").consume("ledger", async ({ value }) => {
    const lines = Buffer.from(value).toString().trim().split("\n");
    for (const line of lines) taken.push(JSON.parse(line));
    const last = taken.at(-1);
    await bus.bucket("ledger").put(last?.instance ?? "", Buffer.from(JSON.stringify({ seq: last?.seq })));
  });
  return taken;
}

test("it says up to which number events are on disk, and they are", async () => {
  const told: number[] = [];
  const spool = await started({
    onWritten: (seq) => {
      told.push(seq);
      expect(onDisk().at(-1)?.seq).toBe(seq);
    },
  });
  expect([spool.nextSeq, spool.record(members(1)), spool.record(members(2)), spool.nextSeq]).toEqual([1, 1, 2, 3]);
  await until(() => told.length === 1, "the write");
  spool.record(members(3));
  await until(() => told.length === 2, "the second write");
  expect(told).toEqual([2, 3]);
  await spool.close(0);
});

test("without a ledger it folds at 80 % of its bound, stops at the bound, and loses nothing", async () => {
  const bytesMax = 60_000;
  const states = new Set<string>();
  let journaled: string[] = [];
  const spool = await started({
    ...{ bytesMax, foldAfterMs: 10 },
    onFolded: (fromSeq, events) => {
      journaled = [...journaled.slice(0, fromSeq - 1), ...events.map((event) => event.members)];
    },
  });
  let most = 0;
  for (let count = 1; count <= 9_000; count++) {
    journaled.push(members(count, `k/${count % 40}`));
    spool.record(journaled.at(-1) ?? "");
    states.add(spool.state);
    if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    most = Math.max(most, spool.diskBytes);
  }
  expect([...states]).toEqual(["ok", "folding", "full"]);
  expect(most).toBeLessThan(bytesMax + 5_000);
  await spool.close(0);
  const events = onDisk();
  expectNumberedFrom(1, events);
  expect(calls(events)).toBe(9_000);
  expect(events.reduce((sum, { costNanoUsd = 0 }) => sum + costNanoUsd, 0)).toBe(63_000);
  // Whoever keeps a journal by what it is told has the same events under the same numbers.
  expect(events.map(({ instance: _instance, seq: _seq, ...rest }) => rest)).toEqual(
    journaled.map((text) => JSON.parse(`{${text}}`)),
  );
});

test("where the fold can't be journaled, events stay as they are", async () => {
  const spool = await started({
    ...{ bytesMax: 1, foldAfterMs: 5 },
    onFolded: () => {
      throw new Error("the journal takes no more");
    },
  });
  for (let count = 1; count <= 50; count++) spool.record(members(count));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await spool.close(0);
  expectNumberedFrom(1, onDisk());
  expect(onDisk()).toHaveLength(50);
});

test("when the ledger takes events again, the spool has room again", async () => {
  const spool = await started({ bytesMax: 30_000, foldAfterMs: 10 });
  let count = 0;
  while (spool.state !== "full") {
    for (let more = 0; more < 20; more++) spool.record(members(++count, `k/${count}`));
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const taken = await ledger();
  await until(() => calls(taken) === count && spool.state === "ok", "the ledger's taking");
  expectNumberedFrom(1, taken);
  await spool.close(5_000);
  expect(readdirSync(folder)).toEqual([]);
});

test("a disk that refuses is told, asked again, and what came meanwhile is written in order", async () => {
  const spool = await started();
  rmSync(folder, { recursive: true });
  for (let count = 1; count <= 3; count++) spool.record(members(count));
  await until(() => spool.state === "folding", "the failed write");
  spool.record(members(4));
  mkdirSync(folder);
  await until(() => spool.state === "ok", "the next try");
  await spool.close(0);
  expectNumberedFrom(1, onDisk());
  expect(onDisk().map(({ requestId }) => requestId)).toEqual(["r1", "r2", "r3", "r4"]);
});

test("a disk that refuses until memory is short: the spool is full, and keeps sums", async () => {
  const spool = await started();
  rmSync(folder, { recursive: true });
  spool.record(members(1));
  await until(() => spool.state === "folding", "the failed write");
  for (let count = 2; count <= 5_000; count++) spool.record(members(count));
  expect(spool.state).toBe("full");
  mkdirSync(folder);
  await until(() => spool.state === "ok", "the next try");
  await spool.close(0);
  expect(calls(onDisk())).toBe(5_000);
  expect(onDisk().length).toBeLessThan(4_000);
  expectNumberedFrom(1, onDisk());
});

const old = "b".repeat(32);
const event = (seq: number) => ({ seq, members: members(seq) });

test("what a killed process had beyond its file is put behind it; twice is once, and a torn line goes", async () => {
  const file = join(folder, `${old}-000000000000001.ndjson`);
  for (const seq of [1, 2]) appendFileSync(file, `{"instance":"${old}","seq":${seq},${members(seq)}}\n`);
  appendFileSync(file, `{"instance":"${old}","se`);
  for (let time = 1; time <= 2; time++) {
    const spool = new UsageSpool({ folder, instance, bus, log: quiet });
    await spool.recoverInto(old, [event(2), event(3), event(4)]);
    await spool[Symbol.asyncDispose]();
  }
  expectNumberedFrom(1, onDisk(old));
  expect(onDisk(old).map(({ requestId }) => requestId)).toEqual(["r1", "r2", "r3", "r4"]);
  const taken = await ledger();
  const spool = await started();
  await until(() => taken.length === 4, "the ledger");
  await spool.close(1_000);
});

test("when the ledger has all files of a killed process, its last events make a new one", async () => {
  const spool = new UsageSpool({ folder, instance, bus, log: quiet });
  await spool.recoverInto(old, [event(7), event(8)]);
  expectNumberedFrom(7, onDisk(old));
  expect(readdirSync(folder)).toEqual([`${old}-000000000000007.ndjson`]);
  expect(statSync(join(folder, `${old}-000000000000007.ndjson`)).mode & 0o077).toBe(0);
});

test("a number that neither file nor journal has is recorded as lost: the ledger would wait for it for ever", async () => {
  const spool = new UsageSpool({ folder, instance, bus, log: quiet });
  await spool.recoverInto(old, [event(1), event(4)]);
  expectNumberedFrom(1, onDisk(old));
  expect(onDisk(old).map(({ code }) => code)).toEqual([undefined, "record_lost", "record_lost", undefined]);
});
