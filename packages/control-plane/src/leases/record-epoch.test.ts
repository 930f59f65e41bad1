/** Whose memory it is, with a record that answers as is said here: a real one fails over in no test. */

import type { EpochState, RecordChanges } from "@sluice/limits";
import { expect, test } from "vitest";
import { testClock, testLog } from "../../test/observed.ts";
import type { StoredLeases } from "../store/lease-store.ts";
import { readRecord } from "./record-epoch.ts";

function fakeRecord(memory: string, epoch?: EpochState) {
  const record = { memory, epoch, isOthersTurn: false, writes: 0 };
  const read = (): StoredLeases => ({
    ...{ memory: record.memory, epoch: record.epoch, revision: 0 },
    ...{ windows: new Map(), sessions: new Map(), accounts: new Map() },
  });
  const writeLeases = async (changes: RecordChanges, expected: { memory: string; epochVersion: number }) => {
    record.writes += 1;
    const known = record.epoch?.version ?? 0;
    if (expected.memory !== record.memory || expected.epochVersion !== known) return false;
    if (changes.epoch !== undefined) record.epoch = { ...changes.epoch, version: known + 1 };
    return true;
  };
  return { record, store: { readLeases: async () => read(), writeLeases } };
}
const rows = { windows: [], sessions: [], accounts: [] };

test("a new database begins its first epoch, which nobody has to be heard in", async () => {
  const { store } = fakeRecord("77.00000001");
  const [clock, log] = [testClock(), testLog()];
  const read = await readRecord({ store, log, nowMs: clock.nowMs }, rows);
  expect(read.epoch).toMatchObject({ version: 1, doubled: true, sinceMs: clock.nowMs() });
  expect(read.epoch.epoch).toBe(`77.00000001/${clock.nowMs()}`);
  expect(log.lines).toEqual([]);
});

test("the same memory stays in its epoch", async () => {
  const { record, store } = fakeRecord("77.00000001");
  const ports = { store, log: testLog(), nowMs: testClock().nowMs };
  const first = await readRecord(ports, rows);
  expect(await readRecord(ports, rows)).toEqual(first);
  expect(record.writes).toBe(1);
});

test.for([
  ["another timeline, after a fail-over", "77.00000002"],
  ["another system, after a restore elsewhere", "78.00000001"],
] as const)("%s begins an epoch in which sessions are heard first", async ([, memory]) => {
  const { record, store } = fakeRecord("77.00000001");
  const [clock, log] = [testClock(), testLog()];
  const ports = { store, log, nowMs: clock.nowMs };
  await readRecord(ports, rows);
  record.memory = memory;
  clock.advance(-60_000);
  const { epoch } = await readRecord(ports, rows);
  expect(epoch).toMatchObject({ version: 2, doubled: false });
  expect(epoch.epoch, "never a name that was one before, whatever the clock says").toBe(
    `${memory}/${clock.nowMs() + 60_001}`,
  );
  expect(log.lines).toMatchObject([{ level: "warn", fields: { why: "another database or timeline" } }]);
});
