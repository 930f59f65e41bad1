/** Whatever happens to a journal's bytes, recovery never throws, and never makes up or forgives anything. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Journal } from "./journal.ts";
import { type Recovered, recover } from "./recover.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const leases = ["0@limit/usd", "0@limit/tokens"];
const attempts = 60;

let folder: string;
let file: string;
let bytes: Buffer;
let writtenBytes: number;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-recover-"));
  const { journal } = Journal.open({ folder, bootId: "boot", owner: "pod", log: quiet });
  journal.begin({ session: "s", incarnation: 1, secret: "x", instance: "i" });
  journal.append({
    kind: "grant",
    leases: leases.map((key) => ({ key, granted: 100_000, returned: 0, settled: 0, endsAtMs: null })),
  });
  for (let count = 1; count <= attempts; count++) {
    const attempt = `r${count}`;
    const exchange = `"requestId":"${attempt}"`;
    journal.append({ kind: "reserve", attempt, exchange, holds: leases.map((key) => [key, 10]), worst: {} });
    if (count % 3 === 0) continue;
    journal.append({
      ...{ kind: "settle", attempt, charges: leases.map((key) => [key, 7]) },
      event: { seq: count, members: exchange },
    });
  }
  journal[Symbol.dispose]();
  file = join(folder, "000000000000001.journal");
  bytes = readFileSync(file);
  writtenBytes = bytes.findLastIndex((byte) => byte !== 0) + 1;
});
afterAll(() => rmSync(folder, { recursive: true }));

function recovered(damaged: Buffer, bootId = "boot"): Recovered | undefined {
  writeFileSync(file, damaged);
  return recover({ folder, bootId, owner: "pod" });
}

/** Only what was written: no lease beyond its grant or its charges, no attempt or event that never was. */
function provesNothingElse(found: Recovered | undefined): void {
  for (const lease of found?.leases ?? []) {
    expect(leases).toContain(lease.key);
    expect([0, 100_000]).toContain(lease.granted);
    expect(lease.settled).toBeLessThanOrEqual(7 * 40);
    expect(lease.returned).toBe(0);
  }
  for (const { attempt, holds } of found?.open ?? []) {
    expect(Number(attempt.slice(1))).toBeLessThanOrEqual(attempts);
    expect(holds).toEqual(leases.map((key) => [key, 10]));
  }
  for (const { seq, members } of found?.events ?? []) expect(members).toBe(`"requestId":"r${seq}"`);
}

test("cut off at every byte: what was whole is there, and complete only on the same boot", () => {
  let before = -1;
  for (let end = 0; end <= writtenBytes; end += end < 500 || end > writtenBytes - 400 ? 1 : 97) {
    for (const room of [0, bytes.length - end]) {
      const found = recovered(Buffer.concat([bytes.subarray(0, end), Buffer.alloc(room)]));
      if (end % 13 === 0) provesNothingElse(found);
      const count = (found?.open.length ?? 0) + (found?.events.length ?? 0);
      expect(count).toBeGreaterThanOrEqual(before);
      before = count;
      // What was cut off while it was written was never acted on.
      if (found !== undefined) expect(found.complete).toBe(true);
      expect(recovered(bytes.subarray(0, end), "another boot")?.complete ?? false).toBe(false);
    }
  }
  expect(before).toBe(attempts);
});

test("a page of zeros anywhere before the last record: later records count, and it is not complete", () => {
  // The last record is shorter than 512 bytes.
  for (let page = 0; page < writtenBytes - 4_096 - 512; page += 512) {
    const found = recovered(Buffer.from(bytes).fill(0, page, page + 4_096));
    provesNothingElse(found);
    expect(found?.complete, `from ${page}`).toBe(false);
    expect(found?.open.at(-1)?.attempt).toBe(`r${attempts}`);
  }
});

test("whatever is overwritten, moved or left out: never an error, never more than was written, never complete", () => {
  const edit = fc.record({
    kind: fc.constantFrom("flip", "zero", "remove", "repeat"),
    at: fc.nat(),
    length: fc.integer({ min: 1, max: 3_000 }),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.boolean(), (edits, otherBoot) => {
      let damaged: Buffer = Buffer.from(bytes.subarray(0, writtenBytes));
      for (const { kind, at, length } of edits) {
        // Not in the last record: one that was cut off there is as if it never was.
        const from = at % (damaged.length - 3_500);
        const end = from + length;
        if (kind === "flip") damaged[from] = (damaged[from] ?? 0) ^ 0x10;
        if (kind === "zero") damaged.fill(0, from, end);
        if (kind === "remove") damaged = Buffer.concat([damaged.subarray(0, from), damaged.subarray(end)]);
        if (kind === "repeat") damaged = Buffer.concat([damaged.subarray(0, end), damaged.subarray(from)]);
      }
      const found = recovered(damaged, otherBoot ? "another boot" : "boot");
      provesNothingElse(found);
      if (!damaged.equals(bytes.subarray(0, writtenBytes))) expect(found?.complete).toBe(false);
    }),
    { numRuns: 300 },
  );
});
