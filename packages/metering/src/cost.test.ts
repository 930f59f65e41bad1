import { expect, test } from "vitest";
import { costAtMostNanoUsd, costNanoUsd, inputTokensOf, outputTokensOf } from "./cost.ts";
import type { Price, Rates, Usage } from "./price.ts";

/** Each kind its own prime, so that no kind can be taken for another. */
const primes: Rates = {
  input: 2_000,
  inputAudio: 3_000,
  inputImage: 5_000,
  cacheRead: 7_000,
  cacheWrite5m: 11_000,
  cacheWrite1h: 13_000,
  cacheWriteOther: 17_000,
  output: 19_000,
  outputReasoning: 23_000,
  outputAudio: 29_000,
  outputImage: 31_000,
};
const flat = (rates: Partial<Rates>): Rates => ({
  ...(Object.fromEntries(Object.keys(primes).map((kind) => [kind, 0])) as Rates),
  ...rates,
});
const price = (more: Partial<Price> = {}): Price => ({
  version: "test",
  rates: primes,
  tiers: [],
  serviceTiers: {},
  perCall: { webSearch: 10_000_000, webFetch: 1_000_000 },
  ...more,
});
/** Dollars per million tokens, as on a vendor's page. */
const perMillion = (dollars: number): number => Math.round(dollars * 1_000_000);
const usd = (dollars: number): bigint => BigInt(Math.round(dollars * 1_000_000_000));

test.for([
  ["nothing used costs nothing", {}, 0n],
  ["input", { input: 1 }, 2n],
  ["audio input", { inputAudio: 1 }, 3n],
  ["image input", { inputImage: 1 }, 5n],
  ["cached input", { cacheRead: 1 }, 7n],
  ["a cache write of five minutes", { cacheWrite5m: 1 }, 11n],
  ["a cache write of an hour", { cacheWrite1h: 1 }, 13n],
  ["a cache write of another life", { cacheWriteOther: 1 }, 17n],
  ["output", { output: 1 }, 19n],
  ["reasoning", { outputReasoning: 1 }, 23n],
  ["audio output", { outputAudio: 1 }, 29n],
  ["image output", { outputImage: 1 }, 31n],
  ["a web search", { webSearches: 1 }, 10_000_000n],
  ["a web fetch", { webFetches: 1 }, 1_000_000n],
  ["all of them add up", { input: 10, cacheRead: 10, output: 10, webSearches: 2 }, 20_000_280n],
] as const satisfies [string, Usage, bigint][])("each kind has its own price: %s", ([, usage, cost]) => {
  expect(costNanoUsd(usage, price())).toBe(cost);
});

test("totals count each kind once, and calls of tools not at all", () => {
  const usage = Object.fromEntries(Object.keys(primes).map((kind, index) => [kind, 10 ** index])) as Usage;
  expect(inputTokensOf({ ...usage, webSearches: 5 })).toBe(1_111_111);
  expect(outputTokensOf({ ...usage, webSearches: 5 })).toBe(11_110_000_000);
});

// Vendors' published examples, and usage objects as they tell them, priced from their pages.
test.for([
  [
    "Anthropic: two lives of cache writes and thinking, at $4 / $5 / $8 / $0.20 / $20",
    { input: 21, cacheRead: 100_000, cacheWrite5m: 1_000, cacheWrite1h: 4_000, output: 400, outputReasoning: 1_100 },
    { input: 4, cacheWrite5m: 5, cacheWrite1h: 8, cacheRead: 0.2, output: 20, outputReasoning: 20 },
    usd(0.087084),
  ],
  [
    "Anthropic: a cache write is charged once, at its own rate (3 + 12304 written + 550 out)",
    { input: 3, cacheWrite5m: 12_304, output: 550 },
    { input: 3, cacheWrite5m: 3.75, output: 15 },
    usd(0.054399),
  ],
  [
    "OpenAI chat: cached tokens and reasoning are parts, not additions (2006 in, 300 out)",
    { input: 86, cacheRead: 1_920, output: 108, outputReasoning: 192 },
    { input: 2.5, cacheRead: 1.25, output: 10, outputReasoning: 10 },
    usd(0.005615),
  ],
  [
    "OpenAI audio (1200 in, 400 out)",
    { input: 44, inputAudio: 900, cacheRead: 256, output: 100, outputAudio: 300 },
    { input: 2.5, inputAudio: 40, cacheRead: 2.5, output: 10, outputAudio: 80 },
    usd(0.06175),
  ],
  [
    "OpenAI with cache writes (12000 in, 700 out)",
    { input: 1_000, cacheRead: 8_000, cacheWriteOther: 3_000, output: 188, outputReasoning: 512 },
    { input: 4, cacheRead: 0.4, cacheWriteOther: 5, output: 20, outputReasoning: 20 },
    usd(0.0362),
  ],
  [
    "Gemini: images and audio in, thoughts out",
    { input: 3_204, inputImage: 1_290, inputAudio: 1_710, cacheRead: 4_096, output: 200, outputReasoning: 900 },
    { input: 0.3, inputImage: 0.3, inputAudio: 1, cacheRead: 0.03, output: 2.5, outputReasoning: 2.5 },
    usd(0.005_931_08),
  ],
  [
    "Bedrock: details split the writes",
    { input: 120, cacheRead: 8_000, cacheWrite1h: 1_500, cacheWrite5m: 500, output: 300 },
    { input: 3, cacheRead: 0.3, cacheWrite1h: 6, cacheWrite5m: 3.75, output: 15 },
    usd(0.018135),
  ],
  [
    "Anthropic stream: 34 tokens out, not 35",
    { input: 10, cacheRead: 2_455, output: 34 },
    { input: 3, cacheRead: 0.3, output: 15 },
    usd(0.0012765),
  ],
] as const satisfies [string, Usage, Partial<Rates>, bigint][])("%s", ([, usage, dollars, cost]) => {
  const rates = flat(Object.fromEntries(Object.entries(dollars).map(([kind, rate]) => [kind, perMillion(rate)])));
  expect(costNanoUsd(usage, price({ rates }))).toBe(cost);
});

const tiered = price({
  rates: flat({ input: 1_300, cacheRead: 130, output: 10_000 }),
  tiers: [
    { aboveInputTokens: 200_000, rates: flat({ input: 2_500, cacheRead: 250, output: 15_000 }) },
    { aboveInputTokens: 1_000_000, rates: flat({ input: 5_000, cacheRead: 500, output: 30_000 }) },
  ],
});
test.for([
  ["200000 input tokens are still in the base", { input: 200_000 }, 260_000n],
  ["one more takes the whole call to the tier", { input: 200_001 }, 500_003n],
  ["output too", { input: 200_001, output: 10 }, 500_153n],
  ["cached tokens count for the tier", { input: 1, cacheRead: 200_000 }, 50_003n],
  ["output does not", { input: 1, output: 900_000 }, 9_000_002n],
  ["the highest tier that is passed counts", { input: 1_000_001 }, 5_000_005n],
] as const satisfies [string, Usage, bigint][])("a tier by context: %s", ([, usage, cost]) => {
  expect(costNanoUsd(usage, tiered)).toBe(cost);
});

test.for([
  ["a fraction of a nano-dollar rounds up", { input: 1 }, flat({ input: 1 }), 1n],
  ["exactly a nano-dollar does not", { input: 1_000 }, flat({ input: 1 }), 1n],
  ["a little more does", { input: 1_001 }, flat({ input: 1 }), 2n],
  [
    "fractions of several kinds are rounded once",
    { input: 1, output: 1, cacheRead: 1 },
    flat({ input: 300, output: 300, cacheRead: 300 }),
    1n,
  ],
  [
    "a fraction beside a large sum is not lost",
    { input: 9_000_000_000_000_001 },
    flat({ input: 1 }),
    9_000_000_000_001n,
  ],
  [
    "nor beyond what a number holds",
    { input: 9_007_199_254_740_991 },
    flat({ input: 1_000_001 }),
    9_007_208_261_940_245_741n,
  ],
] as const satisfies [string, Usage, Rates, bigint][])("one rounding, up: %s", ([, usage, rates, cost]) => {
  expect(costNanoUsd(usage, price({ rates }))).toBe(cost);
});

test("the service tier's factor is on tokens, not on fees", () => {
  const tiers = price({ serviceTiers: { priority: 1_700, flex: 500 } });
  const usage = { input: 1_000, webSearches: 1 };
  expect(costNanoUsd(usage, tiers, "priority")).toBe(10_003_400n);
  expect(costNanoUsd(usage, tiers, "flex")).toBe(10_001_000n);
  expect(costNanoUsd(usage, tiers, "default")).toBe(10_002_000n);
  expect(costNanoUsd(usage, tiers)).toBe(10_002_000n);
});

test("while the service tier is not told, it may be the dearest", () => {
  const tiers = price({ serviceTiers: { priority: 1_700, flex: 500 } });
  expect(costAtMostNanoUsd({ input: 1_000 }, tiers)).toBe(3_400n);
  expect(costAtMostNanoUsd({ input: 1_000 }, tiers, "flex")).toBe(2_000n);
});

test("a factor is applied before the rounding", () => {
  const tiers = price({ rates: flat({ input: 3 }), serviceTiers: { flex: 500 } });
  expect(costNanoUsd({ input: 667 }, tiers, "flex")).toBe(2n); // 1000.5 pico-dollars
});

test("a call beyond every number is still exact", () => {
  const rates = flat({ output: 600_000_000 });
  const tiers = price({ rates, serviceTiers: { priority: 2_500 } });
  expect(costNanoUsd({ output: 1_000_000_000_001 }, tiers, "priority")).toBe(1_500_000_000_001_500_000n);
});

test("what is no count is a fault of ours, never a price", () => {
  expect(() => costNanoUsd({ input: Number.NaN }, price())).toThrow();
  expect(() => costNanoUsd({ input: -1 }, price())).toThrow();
  expect(() => costNanoUsd({ webSearches: -1 }, price())).toThrow();
});
