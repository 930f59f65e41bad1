/** The ledger on a memory bus and a real store. */

import { createMemoryBus } from "@sluice/bus";
import type { Bus } from "@sluice/contract";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { realClock, testLog } from "../../test/observed.ts";
import { openPgliteStore } from "../store/postgres.ts";
import type { Store } from "../store/store.ts";
import { Ledger } from "./ledger.ts";

const log = testLog();
const soon = { timeout: 20_000, interval: 5 };
let store: Store;
let bus: Bus;
beforeAll(async () => {
  store = await openPgliteStore({}, { nowMs: () => 0, log });
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(() => {
  bus = createMemoryBus({ redeliverAfterMs: 5, onHandlerError: () => {} }).connect();
  log.lines.length = 0;
});

const event = (instance: string, seq: number) =>
  JSON.stringify({
    ...{
      instance,
      seq,
      requestId: `${instance}-${seq}`,
      startedAtMs: seq,
      durationMs: 1,
      outcome: "Served",
      status: 200,
    },
    ...{
      protocol: "openai",
      operation: "chat.completions",
      stream: false,
      attempts: 1,
      requestBytes: 1,
      responseBytes: 1,
    },
  });
const publish = (instance: string, from: number, to: number) => {
  const lines = Array.from({ length: to - from + 1 }, (_, index) => `${event(instance, from + index)}\n`);
  return bus.stream("usage").publish({ id: `${instance}.${from}.0`, value: Buffer.from(lines.join("")) });
};
const watermark = async (instance: string) => {
  const entry = await bus.bucket("ledger").get(instance);
  return entry === undefined ? undefined : JSON.parse(Buffer.from(entry.value).toString());
};
const ledgerOn = (recording: Pick<Store, "recordUsage">) =>
  new Ledger({ bus, store: recording, clock: realClock, log });

test("batches of several instances are recorded and each told its watermark", async () => {
  await using ledger = ledgerOn(store);
  await ledger.start();
  await publish("a1", 1, 300);
  await publish("b1", 1, 2);
  await publish("a1", 301, 310);
  await vi.waitFor(async () => expect(await watermark("a1")).toEqual({ seq: 310 }), soon);
  await vi.waitFor(async () => expect(await watermark("b1")).toEqual({ seq: 2 }), soon);
  const recorded = await store.listUsage({ limit: 1_000 });
  expect(recorded.filter(({ instance }) => instance === "a1")).toHaveLength(310);
});

test("a batch sent again is answered again", async () => {
  await using ledger = ledgerOn(store);
  await ledger.start();
  await publish("a2", 1, 5);
  await vi.waitFor(async () => expect(await watermark("a2")).toEqual({ seq: 5 }), soon);
  await bus.bucket("ledger").delete("a2");
  await bus.stream("usage").publish({ id: "a2.1.1", value: Buffer.from(`${event("a2", 1)}\n`) });
  await vi.waitFor(async () => expect(await watermark("a2")).toEqual({ seq: 5 }), soon);
});

test("a store that fails for a while loses nothing", async () => {
  let failures = 3;
  await using ledger = ledgerOn({
    recordUsage: async (batch) => {
      if (failures-- > 0) throw new Error("the database is away");
      return store.recordUsage(batch);
    },
  });
  await ledger.start();
  await publish("a3", 1, 100);
  await publish("a3", 101, 200);
  await vi.waitFor(async () => expect(await watermark("a3")).toEqual({ seq: 200 }), soon);
  const complaints = log.lines.filter((line) => line.message === "usage could not be recorded, trying again");
  expect(complaints).toHaveLength(3);
});

test("a ledger that is closed while the store fails leaves the batch to the next one", async () => {
  const ledger = ledgerOn({ recordUsage: () => Promise.reject(new Error("the database is away")) });
  await ledger.start();
  await publish("a4", 1, 3);
  await vi.waitFor(() => expect(log.lines.length).toBeGreaterThan(0), soon);
  await ledger[Symbol.asyncDispose]();
  expect(await watermark("a4")).toBeUndefined();

  await using next = ledgerOn(store);
  await next.start();
  await vi.waitFor(async () => expect(await watermark("a4")).toEqual({ seq: 3 }), soon);
});

test("a line that is no event is counted and holds up nothing", async () => {
  await using ledger = ledgerOn(store);
  await ledger.start();
  const lines = [event("a5", 1), "garbage", event("a5", 3)].join("\n");
  await bus.stream("usage").publish({ id: "a5.1.0", value: Buffer.from(`${lines}\n`) });
  await vi.waitFor(async () => expect(await watermark("a5")).toEqual({ seq: 3 }), soon);
  expect(ledger.rejected).toBe(1);
});

test("a batch whose id names no instance is dropped loudly, and the next one taken", async () => {
  await using ledger = ledgerOn(store);
  await ledger.start();
  await bus.stream("usage").publish({ id: "nonsense", value: Buffer.from("x") });
  await publish("a6", 1, 1);
  await vi.waitFor(async () => expect(await watermark("a6")).toEqual({ seq: 1 }), soon);
  expect(log.lines[0]).toMatchObject({ level: "error", fields: { id: "nonsense" } });
});
