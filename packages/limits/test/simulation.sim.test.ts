import { expect, test } from "vitest";
import { seedsThatFound } from "./simulation/seeds.ts";
import { runWorld } from "./simulation/world.ts";

/** Together 10,000 seeds. Parts, so that a failure tells soon, and which. */
const parts = 20;
const seedsOfPart = 500;

const met = new Set<string>();

test.for(Array.from({ length: parts }, (_, part) => part * seedsOfPart + 1))(
  "no limit is exceeded and nothing is lost in 500 worlds from seed %i",
  { timeout: 300_000 },
  (from) => {
    for (let seed = from; seed < from + seedsOfPart; seed++) {
      const { failure, seen } = runWorld(seed);
      for (const situation of seen) met.add(situation);
      expect(failure, `seed ${seed}; see its trace: npm run simulate -- --seed ${seed}`).toBeUndefined();
    }
  },
);

test.for(seedsThatFound)("seed %i stays sound: %s", ([seed]) => {
  expect(runWorld(seed).failure).toBeUndefined();
});

test("a seed is the same world every time", () => {
  const [first, second] = [runWorld(4, { traces: true }), runWorld(4, { traces: true })];
  expect(second.trace).toEqual(first.trace);
  expect(second.events).toBe(first.events);
});

/** A generator that never makes them is blind to what goes wrong in them. */
test("every situation that matters was met", () => {
  const situations = [
    ...["recall", "hold", "whole", "unheard session", "lost commits", "record finds out that it has forgotten"],
    ...["dead session", "lease closed by silence", "resumed session", "session fenced", "session closed", "clone"],
    ...["reply: stale", "reply: fenced", "reply: epoch", "late or repeated reply", "no answer", "conflict"],
    ...["lost: a request", "lost: a reply", "lost: a recall", "shortage: Exhausted", "shortage: Reserved"],
    ...[
      "call: Unavailable",
      "call: Unknown",
      "other values",
      "lease of the next window",
      "edit",
      "overrun",
      "ungranted",
    ],
  ];
  expect(situations.filter((situation) => !met.has(situation))).toEqual([]);
});
