/**
 * What a call cost: tokens × the rates of their kind × the service tier's factor, and fees per call. One rounding, up, to the
 * nano-dollar. What the tokens are is read elsewhere; here they are integers, or it is a fault of ours.
 */

import assert from "node:assert/strict";
import { type Price, type Rates, ratesFor, type Usage } from "./price.ts";
import { dearestServiceTierFactor, serviceTierFactor } from "./service-tier.ts";

/** Pico-dollars in a nano-dollar × thousandths of a factor. */
const divisor = 1_000_000;

/** `serviceTier`: as the answer tells it. */
export function costNanoUsd(usage: Usage, price: Price, serviceTier?: string): bigint {
  return costByFactor(usage, price, serviceTierFactor(price, serviceTier));
}

/** For an answer that broke off before it told its service tier. `asked`: as the request has it. */
export function costAtMostNanoUsd(usage: Usage, price: Price, asked?: string): bigint {
  return costByFactor(usage, price, dearestServiceTierFactor(price, asked));
}

function costByFactor(usage: Usage, price: Price, factor: number): bigint {
  const rates = ratesFor(price, inputTokensOf(usage));
  const { webSearch, webFetch } = price.perCall;

  // Numbers are exact below 2^53, which is $9,007 for a call at plain rates: all but absurd calls end here.
  const scaledPicoUsd = picoUsdOf(usage, rates) * factor;
  const fees = (usage.webSearches ?? 0) * webSearch + (usage.webFetches ?? 0) * webFetch;
  if (scaledPicoUsd <= Number.MAX_SAFE_INTEGER && fees <= Number.MAX_SAFE_INTEGER) {
    assert(scaledPicoUsd >= 0 && fees >= 0, "tokens and rates are 0 or more");
    const rest = scaledPicoUsd % divisor;
    // Not Math.ceil of the quotient: near 2^53 a quotient's fraction is lost, and with it the rounding up.
    return BigInt((scaledPicoUsd - rest) / divisor + (rest > 0 ? 1 : 0)) + BigInt(fees);
  }
  return exactly(usage, rates, price, factor);
}

/** All that the model read, cached or not: what tiers go by. */
export function inputTokensOf(usage: Usage): number {
  return (
    (usage.input ?? 0) +
    (usage.inputAudio ?? 0) +
    (usage.inputImage ?? 0) +
    (usage.cacheRead ?? 0) +
    (usage.cacheWrite5m ?? 0) +
    (usage.cacheWrite1h ?? 0) +
    (usage.cacheWriteOther ?? 0)
  );
}

/** All that the model wrote, shown or not. */
export function outputTokensOf(usage: Usage): number {
  return (usage.output ?? 0) + (usage.outputReasoning ?? 0) + (usage.outputAudio ?? 0) + (usage.outputImage ?? 0);
}

/** Exact while it is a safe integer: no term is negative, so no partial sum is larger than the whole. */
function picoUsdOf(usage: Usage, rates: Rates): number {
  return (
    (usage.input ?? 0) * rates.input +
    (usage.inputAudio ?? 0) * rates.inputAudio +
    (usage.inputImage ?? 0) * rates.inputImage +
    (usage.cacheRead ?? 0) * rates.cacheRead +
    (usage.cacheWrite5m ?? 0) * rates.cacheWrite5m +
    (usage.cacheWrite1h ?? 0) * rates.cacheWrite1h +
    (usage.cacheWriteOther ?? 0) * rates.cacheWriteOther +
    (usage.output ?? 0) * rates.output +
    (usage.outputReasoning ?? 0) * rates.outputReasoning +
    (usage.outputAudio ?? 0) * rates.outputAudio +
    (usage.outputImage ?? 0) * rates.outputImage
  );
}

/** The same in BigInt, which refuses what is not an integer. */
function exactly(usage: Usage, rates: Rates, price: Price, factor: number): bigint {
  let picoUsd = 0n;
  for (const kind of Object.keys(rates) as (keyof Rates)[]) picoUsd += BigInt(usage[kind] ?? 0) * BigInt(rates[kind]);
  const fees =
    BigInt(usage.webSearches ?? 0) * BigInt(price.perCall.webSearch) +
    BigInt(usage.webFetches ?? 0) * BigInt(price.perCall.webFetch);
  const scaled = picoUsd * BigInt(factor);
  assert(scaled >= 0n && fees >= 0n, "tokens and rates are 0 or more");
  const whole = scaled / BigInt(divisor);
  return whole + (scaled % BigInt(divisor) > 0n ? 1n : 0n) + fees;
}
