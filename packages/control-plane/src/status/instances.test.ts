import { createMemoryBus } from "@sluice/bus";
import type { Acknowledgement, Bucket } from "@sluice/contract";
import { beforeEach, expect, test, vi } from "vitest";
import { realClock, testLog } from "../../test/observed.ts";
import { Instances } from "./instances.ts";

let bucket: Bucket;
let changes: number;
let instances: Instances;
const log = testLog();
beforeEach(async () => {
  bucket = createMemoryBus().connect().bucket("instances");
  changes = 0;
  instances = new Instances({ clock: realClock, log, onChange: () => changes++ });
  await instances.start(bucket);
  return () => instances[Symbol.asyncDispose]();
});

const acknowledge = (instance: string, keysRevision: number) => {
  const value: Acknowledgement = { instance, name: instance, startedAtMs: 0, revision: 1, keysRevision };
  return bucket.put(instance, Buffer.from(JSON.stringify(value)));
};
const present = () => instances.all().map(({ instance, keysRevision }) => `${instance} ${keysRevision}`);

test("data planes come, move on and go", async () => {
  await acknowledge("a", 1);
  await acknowledge("b", 1);
  await acknowledge("a", 2);
  await vi.waitFor(() => expect(present().sort()).toEqual(["a 2", "b 1"]));
  const before = changes;
  await bucket.delete("b");
  await vi.waitFor(() => expect(present()).toEqual(["a 2"]));
  expect(changes).toBeGreaterThan(before);
});

test("a wait ends as soon as all have the keys", async () => {
  await acknowledge("a", 5);
  await acknowledge("b", 4);
  await vi.waitFor(() => expect(present()).toHaveLength(2));
  const waited = instances.waitForKeys(5, 600_000);
  await acknowledge("b", 6);
  expect(await waited).toEqual({ acknowledged: 2, of: 2 });
});

test("a wait ends after its time, and says who is missing", async () => {
  await acknowledge("a", 5);
  await acknowledge("silent", 4);
  await vi.waitFor(() => expect(present()).toHaveLength(2));
  expect(await instances.waitForKeys(5, 20)).toEqual({ acknowledged: 1, of: 2 });
});

test("without data planes there is nobody to wait for", async () => {
  expect(await instances.waitForKeys(5, 600_000)).toEqual({ acknowledged: 0, of: 0 });
});

test("what is no acknowledgement is left out, loudly", async () => {
  await bucket.put("bad", Buffer.from("{"));
  await acknowledge("a", 1);
  await vi.waitFor(() => expect(present()).toEqual(["a 1"]));
  expect(log.lines).toMatchObject([{ level: "warn", fields: { instance: "bad" } }]);
});
