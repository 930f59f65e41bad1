import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Journal, type JournalInput, JournalUnavailable } from "./journal.ts";
import { JournalInUse } from "./owner.ts";
import type { JournalRecord } from "./record.ts";
import { type Recovered, recover } from "./recover.ts";
import type { Write } from "./segment-file.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const identity = { session: "s1", incarnation: 1, secret: "secret", instance: "i1" };
const lease = { key: "0@limit/usd", granted: 1_000, returned: 0, settled: 0, endsAtMs: 5_000 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(more: Partial<JournalInput> = {}) {
  return Journal.open({ folder, bootId: "boot", owner: "pod", log: quiet, ...more });
}

function begun(more: Partial<JournalInput> = {}): Journal {
  const { journal } = open(more);
  journal.begin(identity);
  return journal;
}

function reserve(attempt: string, amount = 10): JournalRecord {
  return {
    kind: "reserve",
    attempt,
    exchange: `"requestId":"${attempt}"`,
    holds: [[lease.key, amount]],
    worst: { costNanoUsd: amount },
  };
}

function settle(attempt: string, amount = 5, seq?: number): JournalRecord {
  const event = seq === undefined ? {} : { event: { seq, members: `"requestId":"${attempt}"` } };
  return { kind: "settle", attempt, charges: [[lease.key, amount]], ...event };
}

function found(more: Partial<{ bootId: string; owner: string }> = {}): Recovered {
  const recovered = recover({ folder, bootId: "boot", owner: "pod", ...more });
  if (recovered === undefined) throw new Error("no journal");
  return recovered;
}

test("an empty folder has no predecessor, and neither has one whose beginning was cut off", () => {
  const { journal, predecessor } = open();
  expect(predecessor).toBeUndefined();
  journal[Symbol.dispose]();
  writeFileSync(join(folder, "000000000000001.journal"), Buffer.alloc(65_536));
  expect(open().predecessor).toBeUndefined();
});

test("after a kill a successor finds every lease, what is open, and the events that the spool may not have", () => {
  const journal = begun();
  journal.append({ kind: "grant", leases: [lease] });
  journal.append(reserve("a", 100));
  journal.append(reserve("b", 200));
  journal.append(reserve("c", 300));
  journal.append(settle("a", 60, 1));
  journal.append({ kind: "event", seq: 2, members: '"requestId":"refused"' });
  journal.append({ kind: "spooled", seq: 1 });
  journal.append(settle("b", 150, 3));
  journal.append({ kind: "return", returned: [[lease.key, 90]] });
  journal[Symbol.dispose]();
  expect(found()).toEqual({
    complete: true,
    flaws: [],
    closed: false,
    head: { kind: "head", format: 1, bootId: "boot", owner: "pod", ...identity },
    leases: [{ ...lease, settled: 210, returned: 90 }],
    open: [reserve("c", 300)],
    events: [
      { seq: 2, members: '"requestId":"refused"' },
      { seq: 3, members: '"requestId":"b"' },
    ],
    lastEventSeq: 3,
  });
});

test("a lease's new totals keep what they do not tell, and never fall", () => {
  const journal = begun();
  const rate = { key: "0@r/requests-1s", granted: 9, returned: 0, settled: 0, share: "rate", rateMs: 1_000 } as const;
  journal.append({ kind: "grant", leases: [{ ...lease, usableUntilMs: 4_000 }, rate] });
  journal.append({ kind: "grant", leases: [{ ...lease, granted: 500, endsAtMs: 6_000, usableUntilMs: undefined }] });
  journal.append({ kind: "grant", leases: [{ key: rate.key, granted: 12, returned: 3, settled: 0 }] });
  const expected = [
    { ...lease, granted: 1_000, endsAtMs: 6_000, usableUntilMs: 4_000 },
    { ...rate, granted: 12, returned: 3 },
  ];
  expect([...journal.state.leases]).toEqual(expected);
  journal[Symbol.dispose]();
  expect(found().leases).toEqual(expected);
});

test("events that were folded before they were on disk are there as their sums, and numbers go on from these", () => {
  const journal = begun();
  for (let seq = 1; seq <= 5; seq++) journal.append({ kind: "event", seq, members: `"n":${seq}` });
  journal.append({ kind: "folded", fromSeq: 3, events: [{ seq: 3, members: '"folded":3' }] });
  journal.append({ kind: "event", seq: 4, members: '"n":6' });
  journal[Symbol.dispose]();
  expect(found().events.map(({ seq, members }) => `${seq} ${members}`)).toEqual([
    ...['1 "n":1', '2 "n":2', '3 "folded":3', '4 "n":6'],
  ]);
  expect(found().lastEventSeq).toBe(4);
});

test("what a successor takes over replaces what it found", () => {
  const first = begun();
  first.append({ kind: "grant", leases: [lease] });
  first[Symbol.dispose]();
  const { journal, predecessor } = open();
  expect(predecessor).toMatchObject({ complete: true, leases: [lease] });
  journal.begin({
    ...{ session: "s1", incarnation: 2, secret: "secret", instance: "i2" },
    leases: predecessor?.leases ?? [],
    events: [
      { seq: 7, members: '"old":1', instance: "i1" },
      { seq: 1, members: '"new":1' },
    ],
  });
  expect(readdirSync(folder).filter((file) => file.endsWith(".journal"))).toHaveLength(1);
  journal.append({ kind: "spooled", seq: 1 });
  journal[Symbol.dispose]();
  expect(found()).toMatchObject({
    complete: true,
    head: { incarnation: 2 },
    leases: [lease],
    events: [{ seq: 7, instance: "i1" }],
  });
});

test("after a change of session the former one's leases are gone, and what is open and not spooled is kept", () => {
  const journal = begun();
  journal.append({ kind: "grant", leases: [lease] });
  journal.append(reserve("a"));
  journal.append({ kind: "event", seq: 1, members: '"requestId":"b"' });
  journal.changeSession({ session: "s2", incarnation: 1, secret: "other" });
  journal[Symbol.dispose]();
  expect(found()).toMatchObject({
    ...{ complete: true, leases: [], open: [reserve("a")], events: [{ seq: 1 }] },
    head: { session: "s2", incarnation: 1, secret: "other", instance: "i1" },
  });
});

test("a journal stays small however long it is written, and loses nothing when segments are replaced", () => {
  const journal = begun({ bytesMax: 1_200_000 });
  journal.append({ kind: "grant", leases: [{ ...lease, granted: 10_000_000 }] });
  journal.append(reserve("long", 77));
  for (let count = 1; count <= 20_000; count++) {
    journal.append(reserve(`r${count}`));
    journal.append(settle(`r${count}`, 5, count));
    if (count % 10 === 0) journal.append({ kind: "spooled", seq: count - 3 });
  }
  const sizes = readdirSync(folder).map((file) => (file === "owner" ? 0 : statSync(join(folder, file)).size));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(600_000);
  expect(sizes).toHaveLength(2);
  journal[Symbol.dispose]();
  expect(found()).toMatchObject({ complete: true, lastEventSeq: 20_000, open: [reserve("long", 77)] });
  expect(found().leases[0]?.settled).toBe(100_000);
  expect(found().events.map(({ seq }) => seq)).toEqual([19_998, 19_999, 20_000]);
});

test("a full journal refuses reservations before the act, settles what is open, and then takes new ones", () => {
  const journal = begun({ bytesMax: 400_000 });
  const open: string[] = [];
  const fill = () => {
    for (;;) {
      const attempt = `r${open.length}`;
      journal.append(reserve(attempt));
      open.push(attempt);
    }
  };
  expect(fill).toThrow(JournalUnavailable);
  expect(open.length).toBeGreaterThan(50);
  const gossip = () => {
    for (let seq = 1; ; seq++) journal.append({ kind: "event", seq, members: '"a":1' });
  };
  expect(gossip).toThrow(JournalUnavailable); // events take what is left, but not what settlements need
  for (const attempt of open) journal.append(settle(attempt));
  expect([...journal.state.open]).toEqual([]);
  journal.append(reserve("again"));
  journal[Symbol.dispose]();
  expect(found()).toMatchObject({ complete: true, open: [reserve("again")] });
  expect(found().leases[0]?.settled).toBe(5 * open.length);
});

test.for([
  ["fails", 0, "throw"],
  ["is short by all but a byte", 1, "short"],
  ["is short by one byte", -1, "short"],
  ["is short and fails then", 7, "throw"],
] as const)("a write that %s is told, leaves nothing, and harms no other record", ([, keep, how]) => {
  let failing = false;
  const write: Write = (file, bytes, offset, length, position) => {
    if (!failing) return writeSync(file, bytes, offset, length, position);
    const written = writeSync(file, bytes, offset, keep < 0 ? length + keep : keep, position);
    if (how === "throw") throw Object.assign(new Error("EIO: i/o error, write"), { code: "EIO" });
    return written;
  };
  const journal = begun({ write });
  journal.append({ kind: "grant", leases: [lease] });
  journal.append(reserve("a"));
  failing = true;
  expect(() => journal.append(settle("a"))).toThrow(JournalUnavailable);
  expect(() => journal.append(reserve("b"))).toThrow(/takes no more records/);
  expect([...journal.state.open]).toEqual([reserve("a")]);
  journal.append({ kind: "spooled", seq: 3 }); // may be told again: no reason to fail anybody
  failing = false;
  journal.append(reserve("c"));
  journal[Symbol.dispose]();
  expect(found()).toMatchObject({ complete: true, open: [reserve("a"), reserve("c")] });
});

test("a next segment that can't be written whole is given up, and the old one goes on as if nothing had been", () => {
  let failing = false;
  const write: Write = (file, bytes, offset, length, position) => {
    // The second record of a new file.
    if (failing && position > 0 && position < 1_000) throw new Error("EIO: i/o error, write");
    return writeSync(file, bytes, offset, length, position);
  };
  const journal = begun({ write, segmentBytesMax: 10_000 });
  journal.append({ kind: "grant", leases: [lease] });
  for (let count = 1; count <= 300; count++) {
    failing = count > 10;
    journal.append(reserve(`r${count}`));
    journal.append(settle(`r${count}`));
  }
  expect(readdirSync(folder)).toHaveLength(2);
  journal[Symbol.dispose]();
  expect(found()).toMatchObject({ complete: true, leases: [{ settled: 1_500 }] });
});

test("a stop on purpose is complete on another boot too; a kill is not", () => {
  const journal = begun();
  journal.append({ kind: "grant", leases: [lease] });
  journal.close();
  expect(found({ bootId: "other" })).toMatchObject({ complete: true, closed: true, leases: [lease] });
  const second = open();
  second.journal.begin({ ...identity, incarnation: 2, leases: second.predecessor?.leases ?? [] });
  second.journal[Symbol.dispose]();
  expect(found({ bootId: "other" })).toMatchObject({
    ...{ complete: false, flaws: ["the machine was restarted since"], leases: [lease] },
  });
});

test("another pod's journal is read, and not taken over", () => {
  begun()[Symbol.dispose]();
  expect(found({ owner: "other pod" })).toMatchObject({ complete: false, flaws: ['it belongs to "pod"'] });
});

test("a second opening of the folder is refused and says who has it; after the first is gone it is not", () => {
  const journal = begun();
  expect(() => open()).toThrow(JournalInUse);
  expect(() => open()).toThrow(String(process.pid));
  journal[Symbol.dispose]();
  open().journal[Symbol.dispose]();
});

test("a closed journal takes nothing more, and closing twice is closing once", () => {
  const journal = begun();
  journal.close();
  journal.close();
  expect(() => journal.append(reserve("a"))).toThrow(JournalUnavailable);
});
