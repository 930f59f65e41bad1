import { expect, test, vi } from "vitest";
import { busConformance } from "../../test/conformance.ts";
import { createMemoryBus } from "./memory-bus.ts";

busConformance("memory", async () => {
  const hub = createMemoryBus({ valueBytesMax: 1024 * 1024, redeliverAfterMs: 5, onHandlerError: () => {} });
  return { connect: async () => hub.connect(), [Symbol.asyncDispose]: async () => {} };
});

test("an id is free again after two minutes", async () => {
  let nowMs = 0;
  const bus = createMemoryBus({ nowMs: () => nowMs }).connect();
  const ids: string[] = [];
  await bus.stream("usage").consume("ledger", async (message) => void ids.push(message.id));
  for (const atMs of [0, 119_999, 120_000]) {
    nowMs = atMs;
    await bus.stream("usage").publish({ id: "1", value: new Uint8Array() });
  }
  await vi.waitFor(() => expect(ids).toEqual(["1", "1"]));
});

test("a stream that nobody consumes refuses messages at its bound, and takes them again once they are consumed", async () => {
  const bus = createMemoryBus({ valueBytesMax: 128 * 1024 * 1024 }).connect();
  const stream = bus.stream("usage");
  const value = new Uint8Array(100 * 1024 * 1024);
  await stream.publish({ id: "1", value });
  await stream.publish({ id: "2", value });
  await expect(stream.publish({ id: "3", value })).rejects.toThrow(/full/);
  await stream.consume("ledger", async () => {});
  await vi.waitFor(() => stream.publish({ id: "3", value }), 10_000);
});

test("what a handler throws is told", async () => {
  const told: unknown[] = [];
  const bus = createMemoryBus({ onHandlerError: (error) => told.push(error) }).connect();
  const error = new Error("handler");
  await bus.bucket("keys").watch(() => {
    throw error;
  });
  await vi.waitFor(() => expect(told).toEqual([error]));
});
