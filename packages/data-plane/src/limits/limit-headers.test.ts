import type { LimitPlan, LimitRule } from "@sluice/contract";
import { expect, test } from "vitest";
import { limitPlan } from "../../test/gateway.ts";
import { limitHeaders, type Standing, type Stood, tightestBudget } from "./limit-headers.ts";

function stood(rule: LimitRule, standing: Partial<Standing>, overrides: Partial<LimitPlan> = {}): Stood {
  const plan = limitPlan("l", [rule], { id: `ai/${rule.unit}`, ...overrides });
  const family = { limit: "l", rule: rule.name, values: [] };
  const amount = Number(rule.amount);
  return {
    rule: { plan, rule, family, key: "key" },
    standing: { amount, spent: 0, reserved: 0, remaining: amount, endsInMs: null, ...standing },
  };
}

const nowMs = Date.UTC(2026, 10, 24, 12, 0, 0);
const tumbling = { kind: "tumbling", ms: 60_000 } as const;
const calls = stood(
  { name: "requests-60s", unit: "requests", amount: "100", window: tumbling },
  { remaining: 40, endsInMs: 12_001 },
);
const tokens = stood(
  { name: "tokens-60s", unit: "tokens", amount: "1000", window: tumbling },
  { remaining: 300, endsInMs: 12_001 },
);
const month = stood(
  {
    ...{ name: "usd", unit: "nanoUsd", amount: "1000000000" },
    window: { kind: "calendar", unit: "Month", timezone: "UTC", startMonth: 1 },
  },
  { remaining: 900_000_000, endsInMs: 500_000 },
);
const lifetime = stood(
  { name: "usd", unit: "nanoUsd", amount: "1000", window: { kind: "lifetime" } },
  { remaining: 500 },
  { id: "ai/life" },
);
const slots = stood({ name: "concurrent", unit: "slots", amount: "4", window: { kind: "share" } }, { remaining: 1 });

test("OpenAI's names, and the standard fields of the limit that is nearest to its end", () => {
  expect(limitHeaders([calls, tokens, month], { protocol: "openai", nowWallMs: nowMs })).toEqual({
    "ratelimit-policy": '"ai/tokens/tokens-60s";q=1000;qu="tokens";w=60',
    ratelimit: '"ai/tokens/tokens-60s";r=300;t=13',
    "x-ratelimit-limit-requests": "100",
    "x-ratelimit-remaining-requests": "40",
    "x-ratelimit-reset-requests": "13s",
    "x-ratelimit-limit-tokens": "1000",
    "x-ratelimit-remaining-tokens": "300",
    "x-ratelimit-reset-tokens": "13s",
  });
});

test("Anthropic's names, with times", () => {
  expect(limitHeaders([calls], { protocol: "anthropic", nowWallMs: nowMs })).toEqual({
    "ratelimit-policy": '"ai/requests/requests-60s";q=100;w=60',
    ratelimit: '"ai/requests/requests-60s";r=40;t=13',
    "anthropic-ratelimit-requests-limit": "100",
    "anthropic-ratelimit-requests-remaining": "40",
    "anthropic-ratelimit-requests-reset": "2026-11-24T12:00:12.001Z",
  });
});

test.for([
  ["a month of dollars", month, '"ai/nanoUsd/usd";q=1000000000;qu="nano-usd"', '"ai/nanoUsd/usd";r=900000000;t=500'],
  ["a lifetime", lifetime, '"ai/life/usd";q=1000;qu="nano-usd"', '"ai/life/usd";r=500'],
  ["slots", slots, '"ai/slots/concurrent";q=4;qu="concurrent-requests"', '"ai/slots/concurrent";r=1'],
] as const)("%s", ([, one, policy, left]) => {
  const headers = limitHeaders([one], { protocol: "openai", nowWallMs: nowMs });
  expect([headers["ratelimit-policy"], headers.ratelimit]).toEqual([policy, left]);
});

test("of two limits of one unit the tighter is told, by the share that is left of each", () => {
  const wide = stood({ ...calls.rule.rule, amount: "10000" }, { remaining: 100 });
  expect(limitHeaders([calls, wide], { protocol: "openai", nowWallMs: nowMs })["x-ratelimit-remaining-requests"]).toBe(
    "100",
  );
});

test("a limit of nothing has nothing left", () => {
  const none = stood({ ...calls.rule.rule, amount: "0" }, { remaining: 0 });
  expect(limitHeaders([none, calls], { protocol: "openai", nowWallMs: nowMs })["x-ratelimit-limit-requests"]).toBe("0");
});

test("what refuses nothing is not told", () => {
  const shadow = stood(calls.rule.rule, { remaining: 0 }, { mode: "Shadow" });
  expect(limitHeaders([shadow], { protocol: "openai", nowWallMs: nowMs })).toEqual({});
  expect(tightestBudget([stood(lifetime.rule.rule, {}, { mode: "Warn" })])).toBeUndefined();
});

test("the limit that has refused a call is told, though more is left of it than of another", () => {
  const told = { protocol: "openai", nowWallMs: nowMs, refusedBy: "Budget ai/nanoUsd" } as const;
  expect(limitHeaders([calls, month], told).ratelimit).toBe('"ai/nanoUsd/usd";r=900000000;t=500');
  expect(limitHeaders([calls], told).ratelimit).toBe('"ai/requests/requests-60s";r=40;t=13');
});

test("the tightest budget has the fewest dollars left, whatever the share", () => {
  const untouched = stood({ ...lifetime.rule.rule, amount: "400" }, {});
  expect(tightestBudget([lifetime, untouched])).toBe(untouched);
});

test("the tightest budget is one of dollars", () => {
  expect(tightestBudget([calls, tokens, month, lifetime])).toBe(lifetime);
  expect(tightestBudget([calls, tokens])).toBeUndefined();
});
