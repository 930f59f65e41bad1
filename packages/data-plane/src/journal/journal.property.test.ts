/** What is recovered after a kill is what the running journal said last, wherever its segments were replaced. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Journal, JournalUnavailable } from "./journal.ts";
import type { JournalRecord } from "./record.ts";
import { recover } from "./recover.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const key = fc.constantFrom("0@a/usd", "0@b/usd", "7@b/tokens/ü");
const attempt = fc.constantFrom("r1", "r2", "r3", "r4", "r5");
const amount = fc.nat({ max: 1_000 });
const amounts = fc.array(fc.tuple(key, amount), { maxLength: 3 });
const members = fc.string({ unit: "binary", maxLength: 400 }).map((text) => `"requestId":${JSON.stringify(text)}`);
const lease = fc.record(
  { key, granted: amount, returned: amount, settled: amount, endsAtMs: fc.option(fc.nat()), usableUntilMs: fc.nat() },
  { requiredKeys: ["key", "granted", "returned", "settled"] },
);
const event = fc.record({ seq: fc.nat({ max: 50 }), members });
const record: fc.Arbitrary<JournalRecord> = fc.oneof(
  fc.record({ kind: fc.constant("grant" as const), leases: fc.array(lease, { maxLength: 3 }) }),
  fc.record({
    ...{ kind: fc.constant("reserve" as const), attempt, exchange: members, holds: amounts },
    worst: fc.record({ costNanoUsd: amount }),
  }),
  fc.record(
    { kind: fc.constant("settle" as const), attempt, charges: amounts, event },
    { requiredKeys: ["kind", "attempt", "charges"] },
  ),
  fc.record({ kind: fc.constant("event" as const), seq: fc.nat({ max: 50 }), members }),
  fc.record({ kind: fc.constant("spooled" as const), seq: fc.nat({ max: 50 }) }),
  fc.record({
    ...{ kind: fc.constant("folded" as const), fromSeq: fc.integer({ min: 1, max: 50 }) },
    events: fc.array(event, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant("return" as const), returned: amounts }),
  fc.record({ kind: fc.constant("forget" as const), leases: fc.array(key, { maxLength: 2 }) }),
);

test("whatever is journaled in whatever order and room, a successor finds the same", () => {
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 150 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 600, max: 40_000 }),
      (records, chunks, segmentBytesMax) => {
        const folder = mkdtempSync(join(tmpdir(), "sluice-journal-"));
        const input = { folder, bootId: "boot", owner: "pod", log: quiet };
        try {
          const { journal } = Journal.open({ ...input, segmentBytesMax, bytesMax: chunks * 2 * 65_536 });
          journal.begin({ session: "s", incarnation: 1, secret: "x", instance: "i" });
          for (const one of records) {
            try {
              journal.append(one);
            } catch (error) {
              expect(error).toBeInstanceOf(JournalUnavailable);
            }
          }
          const { state } = journal;
          const last = {
            leases: [...state.leases],
            open: [...state.open],
            events: [...state.events],
            lastEventSeq: state.lastEventSeq,
          };
          journal[Symbol.dispose]();
          // As JSON has it: what is undefined is absent.
          expect(recover(input)).toMatchObject({ complete: true, ...JSON.parse(JSON.stringify(last)) });
        } finally {
          rmSync(folder, { recursive: true });
        }
      },
    ),
    { numRuns: 200 },
  );
});
