/** What a call costs and what its accounts are charged, by how it ended: compared with the vendors' own bill. */

import type { UsageEvent } from "@sluice/contract";
import { estimateInputTokens } from "@sluice/metering";
import type { Knobs } from "@sluice/simulators";
import { expect, test } from "vitest";
import { limitPlan, pricePlan, type TestRoute, waitFor } from "./gateway.ts";
import { costOf, type Limited, prices, startLimited, tokensOf } from "./limited.ts";

const budget = limitPlan("dollars", [{ unit: "nanoUsd", amount: "5000000000" }]);
const tokens = limitPlan("tokens", [{ unit: "tokens", amount: "1000000" }]);

test.for([
  ["a chat completion in one piece", "chat", {}],
  ["a streamed chat completion whose caller wants no usage", "chat", { stream: true }],
  ["a streamed one whose caller wants it", "chat", { stream: true, stream_options: { include_usage: true } }],
  ["thought and cached input", "chat", { model: "gpt-4o@reasoning-40@cached-3" }],
  ["two answers at once", "chat", { n: 2 }],
  ["a usage that is told twice", "chat", { model: "gpt-4o@usage-twice", stream: true }],
  ["a completion", "complete", {}],
  ["a message in one piece", "message", {}],
  ["a streamed message", "message", { stream: true }],
  [
    "web searches of the vendor",
    "message",
    {
      model: "claude-sonnet-4-5@searches-2",
      tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }],
    },
  ],
] as const)("%s is charged what the vendor bills, on record and accounts", async ([, operation, fields]) => {
  await using limited = await startLimited({ limits: [budget, tokens] });
  const answer = await limited[operation](fields);
  expect(answer.status).toBe(200);
  await answer.text();
  const event = await limited.event();
  const [entry] = limited.simulator.bill();
  if (entry === undefined) throw new Error("the vendor has billed nothing");
  expect(event.costNanoUsd).toBe(Number(costOf(entry)));
  expect(event).not.toHaveProperty("heldNanoUsd");
  expect(event).not.toHaveProperty("billingReason");
  expect(await limited.spent("dollars")).toBe(costOf(entry));
  expect(await limited.spent("tokens")).toBe(BigInt(tokensOf(entry)));
  expect(event.charges).toEqual([
    ["0@dollars/nanoUsd", Number(costOf(entry))],
    ["0@tokens/tokens", tokensOf(entry)],
  ]);
});

type Ending = {
  readonly name: string;
  readonly operation?: "chat" | "complete" | "message";
  readonly fields?: object;
  /** Of the simulator. */
  readonly knobs?: Knobs;
  readonly route?: Partial<TestRoute>;
  /** The caller hangs up: after so many bytes, or before the answer. */
  readonly hangUp?: "before" | "midway";
  readonly reason: UsageEvent["billingReason"];
  readonly charge: "nothing" | "worst";
  readonly outcome: UsageEvent["outcome"];
};

const stream = { stream: true };
const slow = { "gap-ms": 10 } as const;
const endings: Ending[] = [
  ...[400, 401, 403, 404, 413, 422, 429, 500, 503, 529].map(
    (status): Ending => ({
      ...{ name: `an error ${status} of the vendor`, knobs: { status }, reason: "NotBilled", charge: "nothing" },
      outcome: status === 401 ? "UpstreamFailed" : "UpstreamError",
    }),
  ),
  // A proxy on the way tells nothing of what the model behind it does.
  ...[408, 502, 504].map(
    (status): Ending => ({
      ...{ name: `an error ${status} of a proxy`, knobs: { status }, reason: "Cut", charge: "worst" },
      outcome: "UpstreamError",
    }),
  ),
  {
    ...{ name: "a connection that is reset before any answer", knobs: { reset: true }, reason: "Cut", charge: "worst" },
    outcome: "UpstreamFailed",
  },
  {
    ...{ name: "a stream that is reset midway", fields: stream, knobs: { "reset-after": 6 }, reason: "Cut" },
    ...{ charge: "worst", outcome: "UpstreamFailed" },
  },
  {
    ...{ name: "a message that is reset midway", operation: "message", fields: stream, knobs: { "reset-after": 6 } },
    ...{ reason: "Cut", charge: "worst", outcome: "UpstreamFailed" },
  },
  {
    ...{ name: "a stream without its end", fields: stream, knobs: { "close-after": 4 }, reason: "Cut" },
    ...{ charge: "worst", outcome: "UpstreamFailed" },
  },
  {
    ...{ name: "an answer whose JSON is cut", knobs: { "truncate-json": true }, reason: "Cut", charge: "worst" },
    outcome: "UpstreamFailed",
  },
  { name: "a web page with 200", knobs: { garbage: true }, reason: "Cut", charge: "worst", outcome: "UpstreamFailed" },
  {
    ...{ name: "an error event midway", fields: stream, knobs: { "error-after": 5 }, reason: "Cut", charge: "worst" },
    outcome: "UpstreamError",
  },
  {
    ...{ name: "an error event before content", fields: stream, knobs: { "content-free-error": true }, reason: "Cut" },
    ...{ charge: "worst", outcome: "UpstreamError" },
  },
  {
    ...{
      name: "a stream that stalls",
      fields: stream,
      knobs: { "stall-after": 4 },
      reason: "TimedOut",
      charge: "worst",
    },
    ...{ route: { timeouts: { idleMs: 100 } }, outcome: "UpstreamFailed" },
  },
  {
    ...{ name: "a vendor that stays silent", fields: stream, knobs: { silent: true }, reason: "TimedOut" },
    ...{ route: { timeouts: { firstByteMs: 100 } }, charge: "worst", outcome: "UpstreamFailed" },
  },
  {
    ...{ name: "an answer that takes too long", knobs: { latency: 10_000 }, reason: "TimedOut", charge: "worst" },
    ...{ route: { timeouts: { totalMs: 200 } }, outcome: "UpstreamFailed" },
  },
  {
    ...{ name: "a caller who hangs up before the answer", knobs: { latency: 10_000 }, hangUp: "before" },
    ...{ reason: "ClientAborted", charge: "worst", outcome: "ClientAborted" },
  },
  {
    ...{ name: "a caller who hangs up midway", fields: stream, knobs: { ...slow, tokens: 60 }, hangUp: "midway" },
    ...{ reason: "ClientAborted", charge: "worst", outcome: "ClientAborted" },
  },
  {
    ...{ name: "a caller who hangs up within a message", operation: "message", fields: stream, hangUp: "midway" },
    ...{ knobs: { ...slow, tokens: 60 }, reason: "ClientAborted", charge: "worst", outcome: "ClientAborted" },
  },
  {
    name: "an answer without usage",
    knobs: { "no-usage": true },
    reason: "NoUsage",
    charge: "worst",
    outcome: "Served",
  },
  {
    ...{ name: "a stream without usage", fields: stream, knobs: { "no-usage": true }, reason: "NoUsage" },
    ...{ charge: "worst", outcome: "Served" },
  },
  ...(["negative-usage", "string-usage", "huge-usage", "inconsistent-usage"] as const).flatMap((knob): Ending[] =>
    [{}, stream].flatMap((fields) =>
      (["chat", "message"] as const).map((operation) => ({
        ...{ name: `${knob} of a ${"stream" in fields ? "streamed " : ""}${operation}`, operation },
        fields: { ...fields, ...(operation === "message" && { thinking: { type: "adaptive" } }) },
        ...{ knobs: { [knob]: true, reasoning: 5 }, reason: "UsageInconsistent", charge: "worst", outcome: "Served" },
      })),
    ),
  ),
];

test.for(endings.map((ending) => [ending.name, ending] as const))(
  "%s has a stated charge, the same on record and accounts",
  async ([, ending]) => {
    const { operation = "chat", fields = {}, knobs = {}, route = {}, hangUp } = ending;
    await using limited = await startLimited({ limits: [budget, tokens], route, behaviour: () => knobs });
    const asked = { max_tokens: 500, ...fields };
    if (hangUp === undefined) await (await limited[operation](asked)).text().catch(() => undefined);
    else await hangUpOn(limited, { operation, fields: asked, hangUp });

    const event = await limited.event();
    const billed = limited.billed();
    const charged = BigInt(event.costNanoUsd ?? 0) + BigInt(event.heldNanoUsd ?? 0);
    expect(event).toMatchObject({ outcome: ending.outcome, billingReason: ending.reason, price: expect.any(String) });
    expect(await limited.spent("dollars")).toBe(charged);
    if (ending.charge === "nothing") {
      expect(event).toMatchObject({ costNanoUsd: 0 });
      expect(event).not.toHaveProperty("heldNanoUsd");
      expect([await limited.spent("tokens"), billed]).toEqual([0n, 0n]);
      return;
    }
    expect(event).toMatchObject({ estimated: true, costNanoUsd: expect.any(Number), heldNanoUsd: expect.any(Number) });
    if (ending.reason === "UsageInconsistent") expect(event).not.toHaveProperty("tokens");
    expect(event.costNanoUsd).toBeGreaterThan(0);
    expect(charged >= billed, `charged ${charged}, billed ${billed}`).toBe(true);
    // 500 tokens of output at most, and a short question.
    expect(charged < 20_000_000n, `charged ${charged}`).toBe(true);
    expect(event.charges).toEqual([
      ["0@dollars/nanoUsd", Number(charged)],
      ["0@tokens/tokens", Number(await limited.spent("tokens"))],
    ]);
  },
);

async function readSome(answer: Response, bytes: number): Promise<void> {
  const reader = answer.body?.getReader();
  for (let read = 0; read < bytes; ) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    if (done || value === undefined) throw new Error("the answer ended early");
    read += value.length;
  }
}

const drained = { onAbort: "DrainForUsage" } as const;

test.for([
  ["a chat in one piece", "chat", {}, { latency: 100 }, "before"],
  ["a streamed chat before its first byte", "chat", stream, { latency: 100 }, "before"],
  ["a streamed chat", "chat", stream, slow, "midway"],
  ["a streamed message", "message", stream, slow, "midway"],
  ["a streamed completion", "complete", stream, slow, "midway"],
] as const)(
  "%s whose caller hangs up is read on for its true cost, where the Route says so",
  async ([, operation, fields, knobs, hangUp]) => {
    await using limited = await startLimited({
      limits: [budget, tokens],
      route: drained,
      behaviour: () => ({ tokens: 40, ...knobs }),
    });
    await hangUpOn(limited, { operation, fields, hangUp });
    const event = await limited.event();
    expect(event).toMatchObject({ outcome: "ClientAborted", costNanoUsd: Number(limited.billed()) });
    for (const name of ["heldNanoUsd", "estimated", "billingReason"]) expect(event).not.toHaveProperty(name);
    expect(limited.simulator.bill()[0]?.state).toBe("Finished");
    expect(await limited.spent("dollars")).toBe(limited.billed());
  },
);

test.for([
  ["is reset", { "reset-after": 8 }, {}],
  ["ends in an error", { "error-after": 8 }, {}],
  ["is cut", { "close-after": 8 }, {}],
  ["stalls", { "stall-after": 8 }, { timeouts: { idleMs: 150 } }],
  ["takes too long", { tokens: 400 }, { timeouts: { totalMs: 300 } }],
  ["passes its cap", { "ignore-cap": true, tokens: 4_000, "gap-ms": 2 }, {}],
] as const)("what is read on and then %s is charged as if the caller had stayed", async ([, knobs, route]) => {
  await using limited = await startLimited({
    limits: [budget, tokens],
    route: { ...drained, ...route },
    behaviour: () => ({ ...slow, ...knobs }),
  });
  await hangUpOn(limited, { operation: "chat", fields: { ...stream, max_tokens: 400 }, hangUp: "midway" });
  const event = await limited.event();
  const charged = BigInt((event.costNanoUsd ?? 0) + (event.heldNanoUsd ?? 0));
  expect(event).toMatchObject({ outcome: "ClientAborted", estimated: true, billingReason: "ClientAborted" });
  expect(charged >= limited.billed()).toBe(true);
  expect(await limited.spent("dollars")).toBe(charged);
  expect(limited.gateway.logged.filter((line) => line.includes("fault of ours"))).toEqual([]);
});

async function hangUpOn(
  limited: Limited,
  {
    operation,
    fields,
    hangUp,
  }: { operation: "chat" | "complete" | "message"; fields: object; hangUp: "before" | "midway" },
): Promise<void> {
  const caller = new AbortController();
  const answer = limited[operation](fields, { signal: caller.signal });
  if (hangUp === "before") await waitFor(() => limited.simulator.requests.length > 0, "the call to go up");
  else await readSome(await answer, 400);
  caller.abort();
  await answer.then((whole) => whole.text()).catch(() => undefined);
}

test("text of an error is no output: a stream that fails before content is estimated by its question alone", async () => {
  await using limited = await startLimited({ limits: [budget], behaviour: () => ({ "content-free-error": true }) });
  await (await limited.chat(stream)).text();
  const event = await limited.event();
  const input = estimateInputTokens(event.requestBytes);
  expect(event.costNanoUsd).toBe(input * 2_500);
});

test("a prompt that is written to the cache and then read from it is billed at the price of each", async () => {
  const system = [{ type: "text", text: "All about weirs. ".repeat(600), cache_control: { type: "ephemeral" } }];
  const priced = pricePlan(3, 15);
  const cachePrices = {
    ...prices,
    claude: { ...priced, rates: { ...priced.rates, cacheRead: 300_000, cacheWrite5m: 3_750_000 } },
  };
  await using limited = await startLimited({ limits: [budget, tokens], prices: cachePrices });
  for (const count of [1, 2]) {
    expect((await limited.message({ system })).status).toBe(200);
    const { tokens: told, costNanoUsd } = await limited.event(count);
    const bill = limited.simulator.bill()[count - 1]?.tokens;
    expect(told).toMatchObject(
      count === 1
        ? { cacheWrite5m: bill?.cacheWrite5m, cacheRead: 0 }
        : { cacheWrite5m: 0, cacheRead: bill?.cacheRead },
    );
    const { input = 0, cacheRead = 0, cacheWrite5m = 0, output = 0 } = bill ?? {};
    expect(cacheRead + cacheWrite5m).toBeGreaterThan(1_000);
    expect(costNanoUsd).toBe(Math.ceil(input * 3_000 + cacheRead * 300 + cacheWrite5m * 3_750 + output * 15_000));
  }
  expect(await limited.spent("tokens")).toBe(
    limited.simulator.bill().reduce((sum, one) => sum + BigInt(tokensOf(one)), 0n),
  );
});

test("of many calls that end in every way, each has one record, and accounts are the sum of the records", async () => {
  const faults: Knobs[] = [
    {},
    { status: 500 },
    { status: 429 },
    { reset: true },
    { "truncate-json": true },
    { "no-usage": true },
    { latency: 400 },
    { "negative-usage": true },
    { status: 504 },
    { garbage: true },
  ];
  const calls = limitPlan("calls", [{ unit: "requests", amount: "1000" }], { per: ["Service"] });
  const slots = limitPlan("slots", [{ name: "concurrent", unit: "slots", amount: "60", window: { kind: "share" } }]);
  let number = 0;
  await using limited = await startLimited({
    limits: [budget, tokens, calls, slots],
    route: { retry: { attempts: 1, on: ["ServerError", "ConnectFailure"] } },
    behaviour: () => faults[number++ % faults.length],
  });
  const asked = await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const caller = new AbortController();
      const answer = limited.chat({ max_tokens: 50, stream: index % 3 === 0 }, { signal: caller.signal });
      if (index % 5 === 0) setTimeout(() => caller.abort(), 20 + index);
      return answer.then((whole) => whole.text()).catch(() => undefined);
    }),
  );
  expect(asked).toHaveLength(60);
  // On a busy machine a caller who leaves early may be gone before its request has come.
  const events = await limited.gateway.usage(48);
  await limited.spent("dollars");
  expect(events.length).toBeLessThanOrEqual(60);
  expect(new Set(events.map(({ requestId }) => requestId)).size).toBe(events.length);
  const charged = new Map<string, bigint>();
  for (const { charges = [] } of events)
    for (const [account, amount] of charges) charged.set(account, (charged.get(account) ?? 0n) + BigInt(amount));
  for (const { id, closed } of limited.gateway.record.accounts.values())
    expect([id, closed]).toEqual([id, charged.get(id) ?? 0n]);
  const cost = events.reduce(
    (sum, { costNanoUsd = 0, heldNanoUsd = 0 }) => sum + BigInt(costNanoUsd + heldNanoUsd),
    0n,
  );
  expect(await limited.spent("dollars")).toBe(cost);
  expect(cost >= limited.billed()).toBe(true);
  expect(await limited.spent("slots")).toBe(0n);
});
