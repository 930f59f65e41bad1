/**
 * Price: what a model's tokens cost, in integers (pico-USD a token, nano-USD a call). The same shape as the contract's
 * `PricePlan`, written again here because this package imports nothing.
 */

/** Every kind is there, so that none is ever free by omission. */
export type Rates = {
  readonly input: number;
  readonly inputAudio: number;
  readonly inputImage: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheWriteOther: number;
  readonly output: number;
  readonly outputReasoning: number;
  readonly outputAudio: number;
  readonly outputImage: number;
};

export type Price = {
  readonly version: string;
  readonly rates: Rates;
  /** Above so many input tokens, cached ones included, the whole call has these rates. Ascending. */
  readonly tiers: readonly { readonly aboveInputTokens: number; readonly rates: Rates }[];
  /** Factors in thousandths, by the vendor's name of the service tier (`service-tier.ts`). */
  readonly serviceTiers: Readonly<Record<string, number>>;
  /** Nano-USD a call of a server-side tool; no service tier changes them. */
  readonly perCall: { readonly webSearch: number; readonly webFetch: number };
};

/** Tokens by kind, disjoint; an absent kind is 0. Integers of 0 and more: what a vendor tells is checked where it is read. */
export type Usage = {
  readonly [kind in keyof Rates]?: number | undefined;
} & {
  readonly webSearches?: number | undefined;
  readonly webFetches?: number | undefined;
};

/** The rates of a call with so many input tokens. */
export function ratesFor(price: Price, inputTokens: number): Rates {
  let rates = price.rates;
  for (const tier of price.tiers) {
    if (inputTokens <= tier.aboveInputTokens) break;
    rates = tier.rates;
  }
  return rates;
}
