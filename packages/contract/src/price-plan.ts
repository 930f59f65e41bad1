/** PricePlan: what a model costs, as both planes reckon with it. Integers: pico-USD a token, nano-USD a call. */

import { z } from "zod";

const picoUsd = z.int().min(0);

/** One price for each kind of token; all are there, so that no kind is ever free by omission. */
export const tokenRates = z.strictObject({
  input: picoUsd,
  inputAudio: picoUsd,
  inputImage: picoUsd,
  cacheRead: picoUsd,
  cacheWrite5m: picoUsd,
  cacheWrite1h: picoUsd,
  cacheWriteOther: picoUsd,
  output: picoUsd,
  outputReasoning: picoUsd,
  outputAudio: picoUsd,
  outputImage: picoUsd,
});
export type TokenRates = z.infer<typeof tokenRates>;

export const pricePlan = z.strictObject({
  /** Names the price for ever, in every record: `catalog 2026-11-24/openai/gpt-4o`, `Provider ai/llama#3/llama-3.3-70b`. */
  version: z.string(),
  rates: tokenRates,
  /** Above so many input tokens (cached ones included) the whole call has these rates. Ascending. */
  tiers: z.array(z.strictObject({ aboveInputTokens: z.int().min(1), rates: tokenRates })),
  /** Factors in thousandths for `service_tier` as the vendor tells it: `{ "priority": 2000, "flex": 500 }`. */
  serviceTiers: z.record(z.string(), z.int().min(0)),
  /** Nano-USD a call of a server-side tool. */
  perCall: z.strictObject({ webSearch: z.int().min(0), webFetch: z.int().min(0) }),
});
export type PricePlan = z.infer<typeof pricePlan>;

/** What is known of a model of a Provider. */
export const modelPlan = z.strictObject({
  /** The provider's own name, or a prefix with a star at its end; the longest match counts. */
  match: z.string(),
  /** In the snapshot's `prices`; absent: unpriced, which is closed to callers under a USD budget. */
  price: z.string().optional(),
  contextWindow: z.int().min(1).optional(),
  maxOutputTokens: z.int().min(1).optional(),
  /** Whether a text never has more tokens than UTF-8 bytes. */
  byteLevelTokens: z.boolean(),
});
export type ModelPlan = z.infer<typeof modelPlan>;
