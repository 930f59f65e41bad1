import fc from "fast-check";
import { expect, test } from "vitest";
import { type CallFeatures, worstCase } from "./bound.ts";
import { builtInCatalog } from "./catalog/catalog.ts";
import { costNanoUsd } from "./cost.ts";
import type { Price, Rates, Usage } from "./price.ts";

const textKinds = ["input", "cacheRead", "cacheWrite5m", "cacheWrite1h", "cacheWriteOther"] as const;
const mediaKinds = ["inputAudio", "inputImage"] as const;
const outputKinds = ["output", "outputReasoning", "outputImage"] as const;
const allKinds = [...textKinds, ...mediaKinds, ...outputKinds, "outputAudio"] as const;

const rates = fc.record(
  Object.fromEntries(allKinds.map((kind) => [kind, fc.nat(700_000_000)])),
) as unknown as fc.Arbitrary<Rates>;
const madeUp: fc.Arbitrary<Price> = fc.record({
  version: fc.constant("test"),
  rates,
  tiers: fc
    .uniqueArray(fc.record({ aboveInputTokens: fc.integer({ min: 1, max: 400_000 }), rates }), {
      maxLength: 3,
      selector: (tier) => tier.aboveInputTokens,
    })
    .map((tiers) => tiers.sort((a, b) => a.aboveInputTokens - b.aboveInputTokens)),
  serviceTiers: fc.record(
    { priority: fc.nat(10_000), flex: fc.nat(1_000), fast: fc.nat(6_000), us: fc.nat(1_500) },
    { requiredKeys: [] },
  ),
  perCall: fc.record({ webSearch: fc.nat(100_000_000), webFetch: fc.nat(100_000_000) }),
});
const catalogPrices = [...builtInCatalog.providers.OpenAI, ...builtInCatalog.providers.Anthropic].map(
  ({ price }) => price,
);
const prices = fc.oneof(madeUp, fc.constantFrom(...catalogPrices));

/** What may be told by the answer to a call that asked for the first. */
const serviceTiers = fc.constantFrom<readonly [string | undefined, string | undefined]>(
  ...([undefined, "auto", "turbo"] as const).flatMap((asked) =>
    [undefined, "default", "priority", "flex", "us", "priority+us", "flex+us"].map((told) => [asked, told] as const),
  ),
  ...[undefined, "default", "standard", "us", "standard+us"].map((told) => ["default", told] as const),
  ...["default", "flex", "flex+us"].map((told) => ["flex", told] as const),
  ...["default", "priority", "priority+us"].map((told) => ["priority", told] as const),
  ...["standard", "fast", "fast+us"].map((told) => ["fast", told] as const),
);

const features = fc.record({
  media: fc.boolean(),
  references: fc.boolean(),
  audioOutput: fc.boolean(),
  choices: fc.integer({ min: 1, max: 8 }),
  prediction: fc.boolean(),
  serverTools: fc.array(
    fc.record({ kind: fc.constantFrom("web_search_20250305", "web_fetch_20250910"), maxCalls: fc.nat(5) }),
    { maxLength: 2 },
  ),
});
/** A usage within the bound: shares of its tokens by kind, and how much of the bound is used. */
const shares = fc.array(fc.nat(1_000), { minLength: 11, maxLength: 11 });
const fills = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));

function spread(kinds: readonly (keyof Rates)[], total: number, weights: readonly number[]): Usage {
  const sum = kinds.reduce((all, _kind, index) => all + (weights[index] ?? 0), 0) || 1;
  return Object.fromEntries(kinds.map((kind, index) => [kind, Math.floor((total * (weights[index] ?? 0)) / sum)]));
}

test("no usage within the bound costs more than it, whatever kinds, context tier or service tier it comes to", () => {
  fc.assert(
    fc.property(
      ...([prices, features, serviceTiers, fc.nat(500_000), fc.nat(130_000), shares, fills] as const),
      (price, made, [asked, told], bodyBytes, outputCap, weights, [inputFill, outputFill]) => {
        const callFeatures: CallFeatures = { ...made, serviceTier: asked };
        const model = { contextWindow: 1_000_000, byteLevelTokens: bodyBytes % 2 === 0 };
        const worst = worstCase({ bodyBytes, features: callFeatures, model, price, outputCap });
        const hasMedia = made.media || made.references;
        const searches = made.serverTools.filter(({ kind }) => kind.startsWith("web_search"));
        const fetches = made.serverTools.filter(({ kind }) => kind.startsWith("web_fetch"));
        const usage: Usage = {
          ...spread(
            [...textKinds, ...(hasMedia ? mediaKinds : [])],
            Math.floor(worst.inputTokensMax * inputFill),
            weights,
          ),
          ...spread(
            [...outputKinds, ...(made.audioOutput ? (["outputAudio"] as const) : [])],
            Math.floor(worst.outputTokensMax * outputFill),
            weights.slice(7),
          ),
          webSearches: searches.reduce((sum, { maxCalls }) => sum + maxCalls, 0),
          webFetches: fetches.reduce((sum, { maxCalls }) => sum + maxCalls, 0),
        };
        expect(costNanoUsd(usage, price, told) <= worst.nanoUsd!).toBe(true);
      },
    ),
    { numRuns: 5_000 },
  );
});

test("a larger body, a higher cap or more choices never lower the bound", () => {
  fc.assert(
    fc.property(
      ...([prices, features, fc.nat(500_000), fc.nat(130_000), fc.nat(10_000), fc.nat(10_000)] as const),
      (price, made, bodyBytes, outputCap, moreBytes, moreOutput) => {
        const model = { contextWindow: 200_000, byteLevelTokens: true };
        const worst = worstCase({ bodyBytes, features: made, model, price, outputCap });
        const larger = worstCase({
          ...{ bodyBytes: bodyBytes + moreBytes, model, price, outputCap: outputCap + moreOutput },
          features: { ...made, choices: made.choices + 1 },
        });
        expect(larger.nanoUsd! >= worst.nanoUsd! && larger.tokensMax >= worst.tokensMax).toBe(true);
      },
    ),
  );
});
