/** Rates and slots over three data planes: one limit, not one for each; and a call that one limit refuses costs no other. */

import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accountsOf } from "./accounts.ts";
import { billNanoUsd } from "./bill.ts";
import { eventually } from "./eventually.ts";
import { type Installation, startInstallation } from "./installation.ts";
import { countOf, outcomeOf } from "./outcome.ts";

const planes = 3;
const minuteMs = 60_000;

let installation: Installation;
beforeAll(async () => {
  installation = await startInstallation({
    planes,
    behaviour: ({ body }) => ({ tokens: 100, ...(body.includes("slowly") && { latency: 150 }) }),
  });
});
afterAll(() => installation[Symbol.asyncDispose]());

async function limited(name: string, limits: readonly Record<string, unknown>[], more: Record<string, unknown> = {}) {
  const spec = { selector: { services: [name] }, maxWait: "0s", limits, ...more };
  await installation.apply({ kind: "RateLimit", metadata: { name }, spec });
  return installation.issue(name, { service: name });
}

/** To just after the turn of a minute. */
function nextMinute(): void {
  const { clock } = installation;
  clock.advance(minuteMs - (clock.wallMs() % minuteMs) + 100);
}

/** What the vendor has billed in tokens since so many entries. */
function billedTokens(since: number): number {
  const entries = installation.simulator.bill().slice(since);
  return entries.reduce((sum, { tokens }) => sum + tokens.input + tokens.cacheRead + tokens.output, 0);
}

test("a flood over three data planes takes no more tokens a minute than one limit allows", async () => {
  const key = await limited("flood", [{ name: "tokens", tokens: 10_000, window: "1m" }], { maxWait: "2s" });
  nextMinute();
  const since = installation.simulator.bill().length;
  const words = await Promise.all(
    Array.from({ length: 150 }, (_, index) =>
      outcomeOf(installation.client(key, { plane: index % planes }), { text: `Call ${index}`, maxTokens: 100 }),
    ),
  );
  const tokens = billedTokens(since);
  expect(tokens).toBeLessThanOrEqual(10_000);
  expect(tokens).toBeGreaterThan(8_000);
  expect(countOf(words, "served") + countOf(words, "rate_limited")).toBe(150);
  // The next minute is another one.
  nextMinute();
  expect(await outcomeOf(installation.client(key), { maxTokens: 100 })).toBe("served");
});

test("never are more calls at the vendor than there are slots, and abandoned ones give theirs back", async () => {
  const key = await limited("slots", [{ name: "at-once", concurrent: 5 }], { maxWait: "30s" });
  const from = installation.simulator.requests.length;
  const calls = Array.from({ length: 45 }, (_, index) => {
    // Some callers do not wait for the answer.
    const timeout = index % 9 === 8 ? 2_000 : 60_000;
    return outcomeOf(installation.client(key, { plane: index % planes, timeout }), { text: `Call ${index}, slowly` });
  });
  const words = await Promise.all(calls);
  const own = installation.simulator.requests.slice(from);
  expect(mostAtOnce(own)).toBeLessThanOrEqual(5);
  expect(mostAtOnce(own)).toBeGreaterThanOrEqual(3);
  expect(words.filter((word) => word !== "served" && word !== "undefined")).toEqual([]);
  expect(countOf(words, "served")).toBeGreaterThanOrEqual(40);
  // All are there again.
  const again = Array.from({ length: 5 }, (_, index) =>
    outcomeOf(installation.client(key, { plane: index % planes }), { text: `Again ${index}` }),
  );
  expect(await Promise.all(again)).toEqual(Array.from({ length: 5 }, () => "served"));
});

type Seen = { readonly receivedAtMs: number; readonly finishedAtMs?: number; readonly abortedAtMs?: number };

function mostAtOnce(requests: readonly Seen[]): number {
  const steps = requests.flatMap(({ receivedAtMs, finishedAtMs, abortedAtMs }) => [
    { atMs: receivedAtMs, step: 1 },
    { atMs: finishedAtMs ?? abortedAtMs ?? Number.POSITIVE_INFINITY, step: -1 },
  ]);
  // The clock tells milliseconds: who leaves within one makes room for who comes within it.
  steps.sort((one, other) => one.atMs - other.atMs || one.step - other.step);
  let now = 0;
  let most = 0;
  for (const { step } of steps) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}

test("a call that one limit refuses leaves all others as they were", async () => {
  const key = await limited("refused", [
    { name: "per-minute", requests: 3, window: "1m" },
    { name: "tokens", tokens: 100_000, window: "1m" },
  ]);
  await installation.apply({
    kind: "Budget",
    metadata: { name: "refused" },
    spec: { selector: { services: ["refused"] }, limit: { usd: "1.00" }, maxWait: "0s" },
  });
  nextMinute();
  const client = installation.client(key);
  const words: string[] = [];
  for (let call = 0; call < 8; call++) words.push(await outcomeOf(client, { maxTokens: 100 }));
  expect(words).toEqual([..."sss"].map(() => "served").concat([..."rrrrr"].map(() => "rate_limited")));
  installation.clock.advance(10_000);
  const spentOf = async (kind: string) => {
    const accounts = await accountsOf(installation, "refused", kind);
    return accounts.map(({ rule, spent }) => `${rule} ${spent}`).sort();
  };
  const billed = installation.simulator.bill().slice(-3);
  const tokens = billed.reduce((sum, entry) => sum + entry.tokens.input + entry.tokens.output, 0);
  await eventually("accounts of three calls, and nothing of the five others", async () => {
    const found = await spentOf("RateLimit");
    return `${found}` === `requests-60s 3,tokens-60s ${tokens}` ? true : `${found}`;
  });
  const [budget] = await accountsOf(installation, "refused");
  expect(budget?.spent).toBe(billNanoUsd(billed));
});

test("a steady load below both limits is never refused, for minutes on end", async () => {
  const key = await limited("steady", [
    { name: "tokens", tokens: 10_000, window: "1m" },
    { name: "per-minute", requests: 60, window: "1m" },
  ]);
  nextMinute();
  const words: string[] = [];
  // 48 calls a minute, each of some 110 tokens; 200 are reserved for each at most.
  for (let call = 0; call < 3 * 48; call++) {
    words.push(await outcomeOf(installation.client(key, { plane: call % planes }), { maxTokens: 100 }));
    installation.clock.advance(minuteMs / 48);
  }
  expect(countOf(words, "served")).toBe(words.length);
});

test("what remains falls by what was billed, answer by answer", async () => {
  const key = await limited("told", [{ name: "tokens", tokens: 10_000, window: "1m" }]);
  nextMinute();
  let remaining = 10_000;
  for (let call = 0; call < 4; call++) {
    const { response, data } = await installation
      .client(key)
      .chat.completions.create({
        model: "gpt-4o",
        max_completion_tokens: 100,
        messages: [{ role: "user", content: `Call ${call}` }],
      })
      .withResponse();
    remaining -= data.usage?.total_tokens ?? 0;
    expect(Number(response.headers.get("x-ratelimit-remaining-tokens"))).toBe(remaining);
    expect(response.headers.get("x-ratelimit-limit-tokens")).toBe("10000");
  }
});

test.for([
  ["requests", { name: "calls", requests: 1, window: "1m" }, "rate_limited"],
  ["tokens", { name: "tokens", tokens: 560, window: "1m" }, "rate_limited"],
] as const)("a refusal by %s names its limit, and when to come again", async ([unit, limit, code]) => {
  const key = await limited(`named-${unit}`, [limit]);
  nextMinute();
  const client = installation.client(key, { maxRetries: 0 });
  const ask = {
    model: "gpt-4o",
    max_completion_tokens: 100,
    messages: [{ role: "user" as const, content: "Hello, this is a question of some length" }],
  };
  await client.chat.completions.create(ask);
  const error = await client.chat.completions.create(ask).catch((caught: unknown) => caught);
  if (!(error instanceof OpenAI.RateLimitError)) throw error;
  expect(error.code).toBe(code);
  expect(error.message).toContain(`RateLimit default/named-${unit}`);
  const turnsInSeconds = (minuteMs - (installation.clock.wallMs() % minuteMs)) / 1_000;
  expect(Math.abs(Number(error.headers.get("retry-after")) - turnsInSeconds)).toBeLessThan(5);
  expect(installation.errors).toEqual([]);
});
