import { calcPrice } from "@pydantic/genai-prices";
import { expect, test } from "vitest";
import { costNanoUsd, inputTokensOf, outputTokensOf } from "../cost.ts";
import { modelMatch } from "../model-match.ts";
import type { Usage } from "../price.ts";
import { builtInCatalog, type CatalogModel } from "./catalog.ts";

const { OpenAI, Anthropic } = builtInCatalog.providers;
const vendors = [
  ["openai", OpenAI],
  ["anthropic", Anthropic],
] as const;

function found(models: readonly CatalogModel[], name: string): CatalogModel {
  const model = modelMatch(models, name);
  if (model === undefined) throw new Error(`no entry matches ${name}`);
  return model;
}

test("the version is a day, and names every price", () => {
  expect(builtInCatalog.version).toMatch(/^20\d\d-\d\d-\d\d$/);
  const versions = new Map<string, string>();
  for (const [vendor, models] of vendors) {
    for (const { price } of models) {
      expect(price.version.startsWith(`catalog ${builtInCatalog.version}/${vendor}/`)).toBe(true);
      const body = JSON.stringify(price);
      expect(versions.get(price.version) ?? body).toBe(body);
      versions.set(price.version, body);
    }
  }
});

test.for([
  ["gpt-4o", "gpt-4o"],
  ["gpt-4o-2024-08-06", "gpt-4o"],
  ["gpt-4o-2024-11-20", "gpt-4o"],
  ["gpt-4o-2024-05-13", "gpt-4o-2024-05-13"],
  ["gpt-4o-2027-01-01", "gpt-4o"],
  ["gpt-4o-mini", "gpt-4o-mini"],
  ["gpt-4o-mini-2024-07-18", "gpt-4o-mini"],
  ["gpt-4o-audio-preview-2024-12-17", "gpt-4o-audio-preview"],
  ["gpt-5", "gpt-5"],
  ["gpt-5-2025-08-07", "gpt-5"],
  ["gpt-5-mini", "gpt-5-mini"],
  ["gpt-5-pro", "gpt-5-pro"],
  ["gpt-5.4-2026-03-05", "gpt-5.4"],
  ["gpt-5.6", "gpt-5.6"],
  ["gpt-6-sol", "gpt-6-sol"],
  ["o3-2025-04-16", "o3"],
  ["o3-pro", "o3-pro"],
  ["text-embedding-3-small", "text-embedding-3-small"],
  ["ft:gpt-4o-mini-2024-07-18:acme::AbC123", "ft:gpt-4o-mini-2024-07-18"],
  ["ft:gpt-4o-mini-2024-07-18:acme:search:AbC123:ckpt-step-90", "ft:gpt-4o-mini-2024-07-18"],
  ["ft:gpt-4o-2024-08-06:acme::AbC123", "ft:gpt-4o-2024-08-06"],
  ["ft:gpt-3.5-turbo-0125:acme::AbC123", "ft:gpt-3.5-turbo-0125"],
] as const)("OpenAI's %s is priced as %s", ([name, price]) => {
  expect(found(OpenAI, name).price.version).toBe(`catalog ${builtInCatalog.version}/openai/${price}`);
});

test.for([
  ["claude-sonnet-4-5", "claude-sonnet-4-5"],
  ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5"],
  ["claude-sonnet-4-20250514", "claude-sonnet-4-0"],
  ["claude-haiku-4-5-20251001", "claude-haiku-4-5"],
  ["claude-opus-5-5", "claude-opus-5-5"],
  ["claude-opus-5-5-20260901", "claude-opus-5-5"],
  ["claude-opus-5", "claude-opus-5"],
  ["claude-3-5-haiku-latest", "claude-3-5-haiku-latest"],
] as const)("Anthropic's %s is priced as %s", ([name, price]) => {
  expect(found(Anthropic, name).price.version).toBe(`catalog ${builtInCatalog.version}/anthropic/${price}`);
});

test.for([
  ...[
    "gpt-4o-realtime-preview",
    "gpt-4o-ultra",
    "gpt-99",
    "ft:gpt-4o",
    "ft:gpt-4o-2030-01-01:acme::AbC123",
    "gpt-image-1",
  ],
  ...["whisper-1", "dall-e-3", "claude-opus-5-5", "", "toString"],
])("%j is unpriced at OpenAI: no family is stretched over a model that we do not know", (name) => {
  expect(modelMatch(OpenAI, name)).toBeUndefined();
});

test("a pattern is a family's dated names or a fine-tune's, and no name stands twice", () => {
  for (const [, models] of vendors) {
    const seen = new Set<string>();
    for (const { match } of models) {
      expect(match).toMatch(/^[A-Za-z0-9.:-]+(-20\*|:\*)?$/);
      expect(seen.has(match)).toBe(false);
      seen.add(match);
    }
  }
});

test("no kind of token is free, tiers dearer than the base, and every cap fits a call", () => {
  for (const [, models] of vendors) {
    for (const { match, price, contextWindow, maxOutputTokens } of models) {
      for (const [kind, rate] of Object.entries(price.rates)) expect(rate, `${match} ${kind}`).toBeGreaterThan(0);
      for (const tier of price.tiers) {
        for (const [kind, rate] of Object.entries(tier.rates)) {
          expect(rate, `${match} ${kind} above ${tier.aboveInputTokens}`).toBeGreaterThanOrEqual(
            price.rates[kind as keyof typeof price.rates],
          );
        }
      }
      expect(price.rates.cacheRead, match).toBeLessThanOrEqual(price.rates.input);
      expect(price.perCall.webSearch, match).toBeGreaterThan(0);
      expect(contextWindow ?? 1, match).toBeGreaterThan(0);
      expect(maxOutputTokens ?? 1, match).toBeGreaterThan(0);
    }
  }
});

/** Dollars per million tokens, as the vendors' pages had them at the catalog's version. */
test.for([
  ["gpt-4o", { input: 2.5, cacheRead: 1.25, output: 10 }, [128_000, 16_384]],
  ["gpt-4o-mini", { input: 0.15, cacheRead: 0.075, output: 0.6 }, [128_000, 16_384]],
  ["gpt-4o-audio-preview", { input: 2.5, inputAudio: 40, output: 10, outputAudio: 80 }, [128_000, 16_384]],
  ["gpt-5.4", { input: 2.5, cacheRead: 0.25, output: 15 }, [1_050_000, 128_000]],
  [
    "gpt-5.6-sol",
    { input: 4, cacheRead: 0.4, cacheWriteOther: 5, output: 20, outputReasoning: 20 },
    [922_000, 128_000],
  ],
  ["text-embedding-3-small", { input: 0.02 }, [8_191, undefined]],
  ["ft:gpt-4o-mini-2024-07-18:a::b", { input: 0.3, cacheRead: 0.15, output: 1.2 }, [128_000, 16_384]],
] as const)("OpenAI's %s costs what the vendor's page says", ([name, dollars, [contextWindow, maxOutputTokens]]) => {
  const model = found(OpenAI, name);
  for (const [kind, rate] of Object.entries(dollars)) {
    expect(model.price.rates[kind as keyof typeof model.price.rates], kind).toBe(Math.round(rate * 1_000_000));
  }
  expect([model.contextWindow, model.maxOutputTokens]).toEqual([contextWindow, maxOutputTokens]);
  expect(model.byteLevelTokens).toBe(true);
});

test.for([
  ["claude-sonnet-4-5", { input: 3, cacheWrite5m: 3.75, cacheWrite1h: 6, cacheRead: 0.3, output: 15 }],
  ["claude-opus-5-5", { input: 4, cacheWrite5m: 5, cacheWrite1h: 8, cacheRead: 0.2, output: 20, outputReasoning: 20 }],
  ["claude-haiku-4-5", { input: 1, cacheWrite5m: 1.25, cacheWrite1h: 2, cacheRead: 0.1, output: 5 }],
] as const)("Anthropic's %s costs what the vendor's page says", ([name, dollars]) => {
  const model = found(Anthropic, name);
  for (const [kind, rate] of Object.entries(dollars)) {
    expect(model.price.rates[kind as keyof typeof model.price.rates], kind).toBe(Math.round(rate * 1_000_000));
  }
  expect(model.byteLevelTokens).toBe(false);
});

test("service tiers are factors of the whole call", () => {
  expect(found(OpenAI, "gpt-4o").price.serviceTiers).toEqual({ priority: 1_700 });
  expect(found(OpenAI, "gpt-5").price.serviceTiers).toEqual({ priority: 2_000, flex: 500 });
  expect(found(Anthropic, "claude-opus-5-5").price.serviceTiers).toEqual({ fast: 2_000, us: 1_100 });
});

test("above its context tier the whole call is dearer", () => {
  const { price } = found(OpenAI, "gpt-5.4");
  expect(costNanoUsd({ input: 272_000, output: 100 }, price)).toBe(681_500_000n);
  expect(costNanoUsd({ input: 272_001, output: 100 }, price)).toBe(1_362_255_000n);
});

test("a call of Anthropic's with two lives of cache writes costs $0.087084", () => {
  const usage = {
    input: 21,
    cacheRead: 100_000,
    cacheWrite5m: 1_000,
    cacheWrite1h: 4_000,
    output: 400,
    outputReasoning: 1_100,
  };
  expect(costNanoUsd(usage, found(Anthropic, "claude-opus-5-5").price)).toBe(87_084_000n);
});

/** genai-prices, kept by others, is a second opinion. Each difference has been looked at. */
const reviewed: Readonly<Record<string, string>> = {
  "claude-sonnet-5-5": "takes it for claude-sonnet-5, whose cached tokens are dearer",
  "gpt-4o-search-preview": "has no price of its cached tokens",
};

const usages: readonly Usage[] = [
  { input: 1_000 },
  { input: 1_000, output: 500 },
  { input: 10, cacheRead: 5_000, output: 100, outputReasoning: 900 },
  { input: 300_000, output: 10_000 },
  { input: 21, cacheRead: 100_000, cacheWrite5m: 1_000, cacheWrite1h: 4_000, output: 1_500 },
];

test("genai-prices reckons the same to half a percent, but for the differences that were reviewed", () => {
  const differences: Record<string, string> = {};
  let compared = 0;
  for (const [vendor, models] of vendors) {
    for (const { match, price } of models) {
      if (match.endsWith("*")) continue;
      for (const usage of usages) {
        if (usage.cacheWrite5m !== undefined && vendor === "openai") continue;
        if (match.startsWith("text-embedding") && outputTokensOf(usage) > 0) continue;
        const theirs = oracle(vendor, match, usage);
        if (theirs === undefined) continue;
        compared++;
        const ours = Number(costNanoUsd(usage, price)) / 1e9;
        if (Math.abs(ours - theirs) > theirs * 0.005) differences[match] = `${ours} against ${theirs}`;
      }
    }
  }
  expect(compared).toBeGreaterThan(200);
  expect(Object.keys(differences).sort()).toEqual(Object.keys(reviewed).sort());
});

/** In dollars. It wants totals that include their parts. */
function oracle(providerId: string, model: string, usage: Usage): number | undefined {
  const counts = {
    input_tokens: inputTokensOf(usage),
    output_tokens: outputTokensOf(usage),
    cache_read_tokens: usage.cacheRead ?? 0,
    cache_write_tokens: (usage.cacheWrite5m ?? 0) + (usage.cacheWrite1h ?? 0),
    cache_write_1h_tokens: usage.cacheWrite1h ?? 0,
  };
  const timestamp = new Date(`${builtInCatalog.version}T12:00:00Z`);
  return calcPrice(counts, model, { providerId, timestamp })?.total_price;
}
