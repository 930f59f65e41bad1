import { type UsageEvent, usageEvent } from "@sluice/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { foldEvents } from "./fold-events.ts";

type Members = Omit<UsageEvent, "instance" | "seq">;

const tokens = {
  ...{ input: 10, inputAudio: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheWriteOther: 0 },
  ...{ output: 5, outputReasoning: 0, outputAudio: 0 },
};
const served: Members = {
  ...{ requestId: "r1", startedAtMs: 1_000, durationMs: 500, firstByteMs: 20, outcome: "Served", status: 200 },
  ...{ protocol: "openai", operation: "chat.completions", stream: false, key: "team-a/key", team: "a", model: "m" },
  ...{ route: "default/r", attempts: 1, tokens, requestBytes: 100, responseBytes: 200, costNanoUsd: 70, price: "p1" },
  charges: [["0@limit/usd", 70]],
};

function folded(events: readonly Members[]): UsageEvent[] {
  const sums = foldEvents(events.map((event) => JSON.stringify(event).slice(1, -1)));
  return sums.map((members, index) => usageEvent.parse(JSON.parse(`{"instance":"i","seq":${index + 1},${members}}`)));
}

test("events of one key, model, route and end become one, with all that they sum to and the time that they span", () => {
  const later: Members = {
    ...{ ...served, requestId: "r2", startedAtMs: 3_000, durationMs: 1_000, heldNanoUsd: 4 },
    tokens: { ...tokens, input: 1, outputImage: 3 },
    charges: [["0@limit/usd", 74]],
  };
  expect(folded([served, later])).toEqual([
    {
      ...{ instance: "i", seq: 1, requestId: "r1", startedAtMs: 1_000, durationMs: 3_000, outcome: "Served" },
      ...{ status: 200, protocol: "openai", operation: "chat.completions", stream: false, key: "team-a/key" },
      ...{ team: "a", model: "m", route: "default/r", attempts: 2, requestBytes: 200, responseBytes: 400 },
      tokens: { ...tokens, input: 11, output: 10, outputImage: 3 },
      ...{ costNanoUsd: 140, heldNanoUsd: 4, price: "p1", charges: [["0@limit/usd", 144]], folded: 2 },
    },
  ]);
});

test.for([
  ["key", { key: "team-b/key" }],
  ["model", { model: "other" }],
  ["route", { route: "default/other" }],
  ["end", { outcome: "ClientAborted" }],
  ["price", { price: "p2" }],
  ["estimation", { estimated: true }],
  ["hour", { startedAtMs: 3_600_000 }],
  ["account", { charges: [["0@other/usd", 70]] }],
] as const)("events of another %s stay apart", ([, change]) => {
  expect(folded([served, { ...served, ...change } as Members])).toHaveLength(2);
});

test("an event without a price stays apart from those with one", () => {
  const { costNanoUsd: _cost, ...unpriced } = served;
  expect(folded([served, unpriced])).toHaveLength(2);
});

test("what callers claim is kept while it saves enough, and left out where each call claims another", () => {
  const claiming = (run: (count: number) => string) =>
    folded(Array.from({ length: 40 }, (_value, count) => ({ ...served, run: run(count), metadata: { a: "b" } })));
  expect(claiming((count) => `run-${count % 2}`).map(({ run, folded }) => [run, folded])).toEqual([
    ["run-0", 20],
    ["run-1", 20],
  ]);
  const [sum, ...more] = claiming((count) => `run-${count}`);
  expect(more).toEqual([]);
  expect(sum).toMatchObject({ folded: 40, metadata: { a: "b" }, key: "team-a/key" });
  expect(sum).not.toHaveProperty("run");
});

test("thousands of keys lose their names before memory is lost, and no account loses a unit", () => {
  const sums = folded(
    Array.from({ length: 5_000 }, (_value, count) => ({
      ...{ ...served, key: `k/${count}`, charges: [[`0@limit/usd/${count % 10}`, 7] as [string, number]] },
    })),
  );
  expect(sums).toHaveLength(1);
  expect(sums[0]).toMatchObject({ folded: 5_000, costNanoUsd: 350_000 });
  expect(sums[0]).not.toHaveProperty("key");
  expect(sums[0]?.charges).toEqual(Array.from({ length: 10 }, (_value, count) => [`0@limit/usd/${count}`, 3_500]));
});

test("a sum that could not be exact is not made", () => {
  const dear = { ...served, costNanoUsd: Number.MAX_SAFE_INTEGER - 10 };
  expect(folded([dear, served]).map(({ costNanoUsd }) => costNanoUsd)).toEqual([Number.MAX_SAFE_INTEGER - 10, 70]);
});

test("what can't be read is kept as it is", () => {
  expect(foldEvents(['"requestId":', JSON.stringify(served).slice(1, -1)])).toHaveLength(2);
});

test("whatever is folded, how often ever: sums of money, tokens, charges and calls stay the same", () => {
  const event = fc.record({
    key: fc.constantFrom("a/1", "a/2", "b/1"),
    run: fc.option(fc.constantFrom("x", "y", "z"), { nil: undefined }),
    costNanoUsd: fc.option(fc.nat(), { nil: undefined }),
    heldNanoUsd: fc.option(fc.nat(), { nil: undefined }),
    charges: fc.option(fc.array(fc.tuple(fc.constantFrom("0@a/usd", "0@b/usd"), fc.nat()), { maxLength: 1 }), {
      nil: undefined,
    }),
    tokens: fc.option(fc.constant(tokens), { nil: undefined }),
    startedAtMs: fc.nat({ max: 10_000_000 }),
  });
  const total = (events: readonly Members[]) => ({
    calls: events.reduce((sum, one) => sum + (one.folded ?? 1), 0),
    cost: events.reduce((sum, one) => sum + (one.costNanoUsd ?? 0), 0),
    held: events.reduce((sum, one) => sum + (one.heldNanoUsd ?? 0), 0),
    charged: events.flatMap((one) => one.charges ?? []).reduce((sum, [, amount]) => sum + amount, 0),
    input: events.reduce((sum, one) => sum + (one.tokens?.input ?? 0), 0),
    unpriced: events.reduce((sum, one) => sum + (one.costNanoUsd === undefined ? (one.folded ?? 1) : 0), 0),
  });
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 40 }), fc.nat(), (changes, at) => {
      const events = changes.map(
        (change) => JSON.parse(JSON.stringify({ ...served, price: "p", ...change })) as Members,
      );
      for (const [index, one] of events.entries())
        for (const name of ["costNanoUsd", "charges", "tokens"] as const)
          if (changes[index]?.[name] === undefined) delete one[name];
      const cut = at % events.length;
      const once = folded(events);
      const twice = folded([...folded(events.slice(0, cut)), ...events.slice(cut)]);
      expect(total(once)).toEqual(total(events));
      expect(total(twice)).toEqual(total(events));
    }),
  );
});
