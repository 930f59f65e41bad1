import fc from "fast-check";
import { expect, test } from "vitest";
import { costNanoUsd } from "./cost.ts";
import type { Price, Rates, Usage } from "./price.ts";

const kinds = [
  ...["input", "inputAudio", "inputImage", "cacheRead", "cacheWrite5m", "cacheWrite1h", "cacheWriteOther"],
  ...["output", "outputReasoning", "outputAudio", "outputImage"],
] as (keyof Rates)[];
const rates = (): fc.Arbitrary<Rates> =>
  fc.record(Object.fromEntries(kinds.map((kind) => [kind, fc.nat(700_000_000)]))) as unknown as fc.Arbitrary<Rates>;
const tokens = fc.oneof(fc.nat(2_000), fc.nat(3_000_000), fc.nat(2 ** 31 - 1));
const usages = fc.record(Object.fromEntries([...kinds, "webSearches", "webFetches"].map((kind) => [kind, tokens])), {
  requiredKeys: [],
}) as fc.Arbitrary<Usage>;
const prices: fc.Arbitrary<Price> = fc.record({
  version: fc.constant("test"),
  rates: rates(),
  tiers: fc
    .tuple(fc.integer({ min: 1, max: 300_000 }), rates())
    .map(([aboveInputTokens, tier]) => [{ aboveInputTokens, rates: tier }]),
  serviceTiers: fc.record({ priority: fc.nat(10_000), flex: fc.nat(1_000) }),
  perCall: fc.record({ webSearch: fc.nat(100_000_000), webFetch: fc.nat(100_000_000) }),
});
const names = fc.constantFrom(undefined, "priority", "flex", "priority+flex", "unknown", "constructor");

/** The same sum the slow way: fractions of a nano-dollar as integers of 10^-21 dollars. */
function reckoned(usage: Usage, price: Price, factor: bigint): bigint {
  const total = kinds.slice(0, 7).reduce((sum, kind) => sum + (usage[kind] ?? 0), 0);
  const tier = price.tiers.findLast(({ aboveInputTokens }) => total > aboveInputTokens)?.rates ?? price.rates;
  const scaled = kinds.reduce((sum, kind) => sum + BigInt(usage[kind] ?? 0) * BigInt(tier[kind]), 0n) * factor;
  const fees =
    BigInt(usage.webSearches ?? 0) * BigInt(price.perCall.webSearch) +
    BigInt(usage.webFetches ?? 0) * BigInt(price.perCall.webFetch);
  return (scaled + 999_999n) / 1_000_000n + fees;
}

test("the fast way and the exact way agree", () => {
  fc.assert(
    fc.property(usages, prices, fc.constantFrom(undefined, "priority", "flex"), (usage, price, name) => {
      const factor = BigInt(name === undefined ? 1000 : (price.serviceTiers[name] ?? 1000));
      expect(costNanoUsd(usage, price, name)).toBe(reckoned(usage, price, factor));
    }),
    { numRuns: 1_000 },
  );
});

test("a cost is never negative, and more of any kind never costs less within a tier", () => {
  fc.assert(
    fc.property(
      usages,
      prices,
      names,
      fc.constantFrom(...kinds),
      fc.nat(1_000_000),
      (usage, price, name, kind, more) => {
        const flat = { ...price, tiers: [] };
        const cost = costNanoUsd(usage, flat, name);
        expect(cost >= 0n).toBe(true);
        expect(costNanoUsd({ ...usage, [kind]: (usage[kind] ?? 0) + more }, flat, name) >= cost).toBe(true);
      },
    ),
    { numRuns: 1_000 },
  );
});
