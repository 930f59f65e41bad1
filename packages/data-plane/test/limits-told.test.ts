/** What an answer tells of cost and limits, and what a record tells of who called: from outside, in the vendors' own headers. */

import { expect, test } from "vitest";
import { limitPlan } from "./gateway.ts";
import { type Limited, refusalOf, startLimited, tokensOf } from "./limited.ts";
import { rawPost, sendRaw } from "./raw-client.ts";

const hour = { kind: "tumbling", ms: 3_600_000 } as const;
const tokens = limitPlan("tokens", [{ name: "tokens-3600s", unit: "tokens", amount: "100000", window: hour }], {
  kind: "RateLimit",
});
const calls = limitPlan("calls", [{ name: "requests-3600s", unit: "requests", amount: "50", window: hour }]);
const dollars = limitPlan("dollars", [{ unit: "nanoUsd", amount: "5000000000" }]);

const forms = [
  ["chat", {}, "x-ratelimit-remaining-"],
  ["chat", { stream: true }, "x-ratelimit-remaining-"],
  ["message", {}, "anthropic-ratelimit-"],
  ["message", { stream: true }, "anthropic-ratelimit-"],
] as const;

/** The vendor's name of a header of ours: `tokens` is at the end of OpenAI's, in the middle of Anthropic's. */
function remaining(answer: Response, operation: "chat" | "message", kind: "tokens" | "requests"): number {
  const name = operation === "chat" ? `x-ratelimit-remaining-${kind}` : `anthropic-ratelimit-${kind}-remaining`;
  return Number(answer.headers.get(name) ?? Number.NaN);
}

test.for(forms)("the tokens that remain fall by exactly what was billed: %s %o", async ([operation, fields]) => {
  await using limited = await startLimited({ limits: [tokens, calls] });
  const told: number[] = [];
  for (let call = 0; call < 4; call++) {
    const answer = await limited[operation]({ max_tokens: 200, ...fields });
    expect(answer.status).toBe(200);
    await answer.text();
    await limited.event(call + 1);
    told.push(remaining(answer, operation, "tokens"));
  }
  const billed = limited.simulator.bill().map(tokensOf);
  const isStream = "stream" in fields;
  // A stream's head goes out before its tokens are known: it tells what was left before it.
  const first = isStream ? 100_000 : 100_000 - (billed[0] as number);
  const falls = isStream ? billed : billed.slice(1);
  expect(told).toEqual(
    [...Array(4).keys()].map((call) => falls.slice(0, call).reduce((left, one) => left - one, first)),
  );
});

test.for(forms)("the calls that remain count this one: %s %o", async ([operation, fields]) => {
  await using limited = await startLimited({ limits: [calls] });
  for (const left of [49, 48, 47]) {
    const answer = await limited[operation](fields);
    await answer.text();
    expect(remaining(answer, operation, "requests")).toBe(left);
  }
});

test("a short rate's remaining calls fall as well", async () => {
  const short = limitPlan("short", [
    { name: "requests-10s", unit: "requests", amount: "10", window: { kind: "share", ms: 10_000 } },
  ]);
  await using limited = await startLimited({ limits: [short] });
  const told: number[] = [];
  for (let call = 0; call < 4; call++) {
    const answer = await limited.chat();
    await answer.text();
    told.push(remaining(answer, "chat", "requests"));
  }
  expect(told).toEqual([9, 8, 7, 6]);
});

test("the standard fields tell the limit that is nearest to its end", async () => {
  await using limited = await startLimited({ limits: [dollars, tokens, calls] });
  const answer = await limited.chat({ max_tokens: 50 });
  const turn = Math.ceil((hour.ms - (Date.now() % hour.ms)) / 1000);
  expect(answer.headers.get("ratelimit-policy")).toBe('"default/calls/requests-3600s";q=50;w=3600');
  const [, left, seconds] =
    /^"default\/calls\/requests-3600s";r=(\d+);t=(\d+)$/.exec(answer.headers.get("ratelimit") ?? "") ?? [];
  expect(left).toBe("49");
  expect(Math.abs(Number(seconds) - turn)).toBeLessThan(30);
  expect(answer.headers.get("x-ratelimit-limit-tokens")).toBe("100000");
  expect(answer.headers.get("x-ratelimit-reset-tokens")).toMatch(/^\d+s$/);
});

test("limits that refuse nothing are not told", async () => {
  await using limited = await startLimited({ limits: [{ ...calls, mode: "Shadow" }] });
  const answer = await limited.chat();
  expect([...answer.headers.keys()].filter((name) => name.includes("ratelimit"))).toEqual([]);
});

test.for([
  ["chat", {}],
  ["message", {}],
  ["embed", {}],
] as const)("an answer of %s tells its cost and what is left of the tightest budget", async ([operation, fields]) => {
  const wide = limitPlan("wide", [{ unit: "nanoUsd", amount: "9000000000000" }]);
  await using limited = await startLimited({ limits: [wide, dollars] });
  const answer = await limited[operation](fields);
  const event = await limited.event();
  expect(nanoUsd(answer.headers.get("x-sluice-cost"))).toBe(event.costNanoUsd);
  expect(nanoUsd(answer.headers.get("x-sluice-budget-remaining"))).toBe(5_000_000_000 - (event.costNanoUsd ?? 0));
});

test.for(["chat", "message"] as const)(
  "a stream of %s tells its cost in a last comment, to those who ask for it",
  async (operation) => {
    await using limited = await startLimited({ limits: [dollars] });
    const asked = await limited[operation]({ stream: true }, { headers: { "x-sluice-cost": "comment" } });
    const text = await asked.text();
    const [, cost, left] = /\n\n: x-sluice-cost=([0-9.]+) remaining=([0-9.]+)\n\n$/.exec(text) ?? [];
    const event = await limited.event();
    expect(nanoUsd(cost)).toBe(event.costNanoUsd);
    expect(nanoUsd(left)).toBe(5_000_000_000 - (event.costNanoUsd ?? 0));
    const plain = await limited[operation]({ stream: true });
    expect(await plain.text()).not.toContain("x-sluice-cost");
  },
);

/** Decimal dollars. */
function nanoUsd(text: string | null | undefined): number {
  return Math.round(Number(text ?? Number.NaN) * 1e9);
}

test.for([
  ["x-sluice-metadata", "chat", {}, { "x-sluice-metadata": '{"feature":"söarch"}' }, { feature: "söarch" }],
  ["the body's metadata", "chat", { metadata: { feature: "search" } }, {}, { feature: "search" }],
  [
    "both: the header goes before",
    "chat",
    { metadata: { feature: "a", more: "b" } },
    { "x-sluice-metadata": '{"feature":"c"}' },
    { feature: "c", more: "b" },
  ],
  [
    "the key's own name: the key goes before",
    "chat",
    { metadata: { env: "live" } },
    { "x-sluice-metadata": '{"env":"live"}' },
    {},
  ],
] as const)("a claim by %s is on the record", async ([, operation, fields, headers, metadata]) => {
  await using limited = await startLimited();
  const sent = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString("latin1")]),
  );
  expect((await limited[operation](fields, { headers: sent })).status).toBe(200);
  expect((await limited.event()).metadata).toEqual({ env: "test", ...metadata });
});

test.for([
  ["user of OpenAI", "chat", { user: "grace" }],
  ["metadata.user_id of Anthropic", "message", { metadata: { user_id: "grace" } }],
] as const)("%s is a claim beside the key's own user", async ([, operation, fields]) => {
  await using limited = await startLimited();
  expect((await limited[operation](fields)).status).toBe(200);
  expect(await limited.event()).toMatchObject({ user: "ada", claimedUser: "grace" });
});

test("a run is on the record, its name in any script", async () => {
  await using limited = await startLimited();
  const run = Buffer.from("Läufer-七").toString("latin1");
  expect((await limited.chat({}, { headers: { "x-sluice-run": run } })).status).toBe(200);
  expect(await limited.event()).toMatchObject({ run: "Läufer-七", metadata: { run: "Läufer-七", env: "test" } });
});

test.for([
  ["a metadata header of 1 MB", `x-sluice-metadata: {"a":"${"x".repeat(1_000_000)}"}`, 400],
  ["one of 5 KB", `x-sluice-metadata: {"a":"${"x".repeat(5_000)}"}`, 400],
  ["one that is no JSON", "x-sluice-metadata: feature=search", 400],
  ["one with a number", 'x-sluice-metadata: {"a":1}', 400],
  ["one with an object", 'x-sluice-metadata: {"a":{"b":"c"}}', 400],
  ["one with a control character", 'x-sluice-metadata: {"a":"b\\u0007"}', 400],
  ["one with a raw control character", 'x-sluice-metadata: {"a":"b\u0007"}', 400],
  ["a direction mark that reorders a log's line", 'x-sluice-metadata: {"a":"\\u202e"}', 400],
  ["a run with a control character", "x-sluice-run: a\u0001b", 400],
  ["an empty run", "x-sluice-run: ", 400],
  ["metadata twice", 'x-sluice-metadata: {"a":"b"}\r\nx-sluice-metadata: {"a":"c"}', 400],
  ["a run twice", "x-sluice-run: a\r\nX-Sluice-Run: b", 400],
  ["two keys", "x-api-key: sk-sluice-other", 401],
] as const)("%s is refused, nothing goes up, and the next call is served", async ([, header, status]) => {
  await using limited = await startLimited({ limits: [calls] });
  const body = '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}';
  const headers = [`content-length: ${Buffer.byteLength(body)}`, header];
  const answer = await sendRaw(limited.gateway.port, rawPost({ key: limited.gateway.key, body, headers }));
  expect(answer.status).toBe(status);
  expect(limited.simulator.requests).toHaveLength(0);
  expect((await limited.chat()).status).toBe(200);
  expect(await limited.spent("calls")).toBe(1n);
});

test("a refusal tells the limits too, in the caller's own headers", async () => {
  const limit = limitPlan("one", [{ name: "requests-3600s", unit: "requests", amount: "1", window: hour }]);
  await using limited: Limited = await startLimited({ limits: [limit] });
  await limited.message();
  const answer = await limited.message();
  expect(answer.headers.get("anthropic-ratelimit-requests-remaining")).toBe("0");
  expect(await refusalOf(answer)).toMatchObject({ status: 429, code: "rate_limit_error" });
});

test("a key can ask for its prices, so that its client needs no table of its own", async () => {
  await using limited = await startLimited({
    routes: [{ models: ["gpt-4o", "llama"], targets: [{ provider: "openai" }] }],
  });
  const answer = await fetch(`${limited.gateway.url}/v1/prices`, {
    headers: { authorization: `Bearer ${limited.gateway.key}` },
  });
  const { data } = (await answer.json()) as {
    data: { id: string; targets: { price: string; per_million_tokens: object }[] }[];
  };
  const byModel = new Map(data.map(({ id, targets }) => [id, targets]));
  expect(byModel.get("gpt-4o")).toMatchObject([
    { price: "test 2.5/10", per_million_tokens: { input: "2.50", output: "10.00" }, context_window: 128_000 },
  ]);
  expect(byModel.get("llama")).toMatchObject([{ price: null, per_million_tokens: null }]);
  expect(limited.simulator.requests).toHaveLength(0);
});
