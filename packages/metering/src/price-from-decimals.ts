/**
 * A price as people write it (decimal text, dollars per million tokens) → `Price`. What is left out costs the dearest that is
 * sensible, so that nothing is free by omission: cached reads as plain input, reasoning as output, and so on.
 */

import { type Problem, perMillionToPicoUsd, scaledInteger } from "./decimal.ts";
import type { Price, Rates } from "./price.ts";

export type DecimalRates = {
  readonly inputPerMillion: string;
  readonly outputPerMillion: string;
  readonly inputAudioPerMillion?: string | undefined;
  readonly inputImagePerMillion?: string | undefined;
  readonly cacheReadPerMillion?: string | undefined;
  readonly cacheWrite5mPerMillion?: string | undefined;
  readonly cacheWrite1hPerMillion?: string | undefined;
  readonly cacheWriteOtherPerMillion?: string | undefined;
  readonly outputReasoningPerMillion?: string | undefined;
  readonly outputAudioPerMillion?: string | undefined;
  readonly outputImagePerMillion?: string | undefined;
};

export type DecimalPrice = DecimalRates & {
  readonly tiers?: readonly (DecimalRates & { readonly aboveInputTokens: number })[] | undefined;
  /** Factors: `{ "priority": "2", "flex": "0.5" }`. */
  readonly serviceTiers?: Readonly<Record<string, string>> | undefined;
  /** Dollars a call. */
  readonly webSearchPerCall?: string | undefined;
  readonly webFetchPerCall?: string | undefined;
};

/** `field`: its path inside the price, `tiers[0].inputPerMillion`. */
export type PriceProblem = Problem & { readonly field: string };

/** How a cache write is charged where the price does not say: as input, or at Anthropic's 1.25 and 2 times the input. */
export type CacheWriteRule = "AsInput" | "Anthropic";

export function priceFromDecimals(
  decimals: DecimalPrice,
  version: string,
  cacheWrites: CacheWriteRule = "AsInput",
): Price | PriceProblem {
  const reader = new DecimalReader();
  const rates = ratesFrom({ reader, from: decimals, cacheWrites, path: "" });
  const tiers = (decimals.tiers ?? []).map((tier, index) => {
    reader.ascending(tier.aboveInputTokens, decimals.tiers?.[index - 1]?.aboveInputTokens, index);
    return {
      aboveInputTokens: tier.aboveInputTokens,
      rates: ratesFrom({ reader, from: tier, cacheWrites, path: `tiers[${index}].`, base: rates }),
    };
  });
  const serviceTiers: Record<string, number> = {};
  for (const [name, factor] of Object.entries(decimals.serviceTiers ?? {})) {
    serviceTiers[name] = reader.scaled(factor, 3, `serviceTiers.${name}`);
  }
  const perCall = {
    webSearch: reader.scaled(decimals.webSearchPerCall ?? "0", 9, "webSearchPerCall"),
    webFetch: reader.scaled(decimals.webFetchPerCall ?? "0", 9, "webFetchPerCall"),
  };
  return reader.problem ?? { version, rates, tiers, serviceTiers, perCall };
}

/** `base`: of a tier, the price's plain rates. What a tier leaves out rises at least as its input or output does. */
function ratesFrom(given: {
  readonly reader: DecimalReader;
  readonly from: DecimalRates;
  readonly cacheWrites: CacheWriteRule;
  readonly path: string;
  readonly base?: Rates;
}): Rates {
  const { reader, from, cacheWrites, path, base } = given;
  const input = reader.perMillion(from.inputPerMillion, `${path}inputPerMillion`);
  const output = reader.perMillion(from.outputPerMillion, `${path}outputPerMillion`);
  const read = (kind: keyof Rates, otherwise: number): number => {
    const text = from[`${kind}PerMillion`];
    if (text !== undefined) return reader.perMillion(text, `${path}${kind}PerMillion`);
    if (base === undefined) return otherwise;
    const [now, before] = kind.startsWith("output") ? [output, base.output] : [input, base.input];
    return Math.max(otherwise, before === 0 ? 0 : scaled(base[kind], now, before));
  };
  const writes = cacheWrites === "Anthropic" ? { short: Math.ceil((input * 5) / 4), long: input * 2 } : undefined;
  const cacheWrite5m = read("cacheWrite5m", writes?.short ?? input);
  const cacheWrite1h = read("cacheWrite1h", writes?.long ?? cacheWrite5m);
  return {
    input,
    inputAudio: read("inputAudio", input),
    inputImage: read("inputImage", input),
    cacheRead: read("cacheRead", input),
    cacheWrite5m,
    cacheWrite1h,
    cacheWriteOther: read("cacheWriteOther", Math.max(cacheWrite5m, cacheWrite1h)),
    output,
    outputReasoning: read("outputReasoning", output),
    outputAudio: read("outputAudio", output),
    outputImage: read("outputImage", output),
  };
}

/** rate × now ÷ before, up. In BigInt: the product of two rates is more than a number holds. */
function scaled(rate: number, now: number, before: number): number {
  const [numerator, denominator] = [BigInt(rate) * BigInt(now), BigInt(before)];
  return Number((numerator + denominator - 1n) / denominator);
}

/** Reads decimals and keeps the first problem, so that the reading above has no branches for failure. */
class DecimalReader {
  problem: PriceProblem | undefined;

  perMillion(text: string, field: string): number {
    return this.#kept(perMillionToPicoUsd(text), field);
  }

  scaled(text: string, places: number, field: string): number {
    return this.#kept(scaledInteger(text, places), field);
  }

  ascending(aboveInputTokens: number, previous: number | undefined, index: number): void {
    if (Number.isSafeInteger(aboveInputTokens) && aboveInputTokens > (previous ?? 0)) return;
    this.problem ??= {
      field: `tiers[${index}].aboveInputTokens`,
      problem: "must be a whole number above that of the tier before it",
    };
  }

  #kept(value: bigint | number | Problem, field: string): number {
    if (typeof value === "number") return value;
    if (typeof value !== "bigint") {
      this.problem ??= { field, problem: value.problem };
      return 0;
    }
    const number = Number(value);
    if (!Number.isSafeInteger(number)) this.problem ??= { field, problem: "is too large" };
    return number;
  }
}
