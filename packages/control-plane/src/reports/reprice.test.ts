import type { PricePlan, TokenRates, UsageEvent } from "@sluice/contract";
import { expect, test } from "vitest";
import { type CorrectedUsage, type Correction, holding, nextCorrectionId } from "./correction.ts";
import { reprice } from "./reprice.ts";

const rates = (picoUsd: number): TokenRates => ({
  ...{ input: picoUsd, inputAudio: picoUsd, inputImage: picoUsd, cacheRead: picoUsd, cacheWrite5m: picoUsd },
  ...{ cacheWrite1h: picoUsd, cacheWriteOther: picoUsd, output: picoUsd, outputReasoning: picoUsd },
  ...{ outputAudio: picoUsd, outputImage: picoUsd },
});
const price: PricePlan = {
  ...{ version: "catalog 2/openai/gpt-4o", rates: rates(2_000), tiers: [], serviceTiers: {} },
  perCall: { webSearch: 0, webFetch: 0 },
};
const tokens = {
  ...{ input: 1_000, inputAudio: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheWriteOther: 0 },
  ...{ output: 0, outputReasoning: 0, outputAudio: 0 },
};
function usage(event: Partial<UsageEvent>, corrections: readonly Correction[] = []): CorrectedUsage {
  return { event: { instance: "i", seq: 1, tokens, costNanoUsd: 2_000, ...event } as UsageEvent, corrections };
}
const correction: Correction = {
  ...{ id: "cor_1", instance: "i", seq: 1, kind: "Reprice", deltaCostNanoUsd: -1_998_000n, deltaHeldNanoUsd: 0n },
  ...{ price: "catalog 2/openai/gpt-4o", by: "admin token", reason: "a slip", atMs: 0 },
};

test.for([
  ["what costs what it did is left", usage({}), { kind: "same" }],
  [
    "a price a thousand times too high is taken back",
    usage({ costNanoUsd: 2_000_000 }),
    { kind: "changed", deltaCostNanoUsd: -1_998_000n, price: price.version },
  ],
  [
    "a record that had no price has one now",
    usage({ costNanoUsd: undefined } as Partial<UsageEvent>),
    { kind: "changed", deltaCostNanoUsd: 2_000n, price: price.version },
  ],
  [
    "what was corrected already is not corrected again",
    usage({ costNanoUsd: 2_000_000 }, [correction]),
    { kind: "same" },
  ],
  [
    "an estimate is left: the tokens that were told of it are not those that it was reckoned from",
    usage({ tokens: { ...tokens, output: 1_000_000_000 }, costNanoUsd: 5, heldNanoUsd: 9, estimated: true }),
    { kind: "skipped" },
  ],
  [
    "what was settled by the provider's bill is left",
    usage({ costNanoUsd: 2_000_000 }, [{ ...correction, kind: "Settle", deltaCostNanoUsd: 7n, price: null }]),
    { kind: "skipped" },
  ],
  ["without tokens nothing can be reckoned", usage({ tokens: undefined } as Partial<UsageEvent>), { kind: "skipped" }],
] as const)("%s", ([, record, repriced]) => {
  expect(reprice(record, price)).toEqual(repriced);
});

test("without a price of now, and for sums under a price with tiers, nothing is reckoned", () => {
  expect(reprice(usage({}), undefined)).toEqual({ kind: "skipped" });
  const tiered = { ...price, tiers: [{ aboveInputTokens: 200_000, rates: rates(4_000) }] };
  expect(reprice(usage({ folded: 3, costNanoUsd: 1 }), tiered)).toEqual({ kind: "skipped" });
});

test("what holds is the record with all of its corrections", () => {
  expect(holding(usage({ costNanoUsd: 2_000_000, heldNanoUsd: 7 }, [correction]))).toEqual({
    costNanoUsd: 2_000n,
    heldNanoUsd: 7n,
  });
  expect(holding(usage({ costNanoUsd: undefined } as Partial<UsageEvent>)).costNanoUsd).toBeUndefined();
});

test("two who correct a record at once make the same id, one after the other another", () => {
  expect(nextCorrectionId(usage({}))).toBe(nextCorrectionId(usage({ costNanoUsd: 1 })));
  expect(nextCorrectionId(usage({}, [correction]))).not.toBe(nextCorrectionId(usage({})));
});
