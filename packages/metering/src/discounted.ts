/** A negotiated discount: the vendor's price less some percent, each rate rounded up to the pico-dollar. */

import { type Problem, scaledInteger } from "./decimal.ts";
import type { Price, Rates } from "./price.ts";

/** `percent`: decimal text of 0 to 100 with at most four digits after the point. Fees per call are discounted as well. */
export function discounted(price: Price, percent: string): Price | Problem {
  const parts = scaledInteger(percent, 4);
  if (typeof parts !== "bigint") return parts;
  if (parts > whole) return { problem: "must be at most 100" };
  if (parts === 0n) return price;
  const less = (amount: number): number => Number((BigInt(amount) * (whole - parts) + whole - 1n) / whole);
  const { rates, tiers, perCall } = price;
  return {
    ...price,
    version: `${price.version} less ${percent}%`,
    rates: eachRate(rates, less),
    tiers: tiers.map((tier) => ({ ...tier, rates: eachRate(tier.rates, less) })),
    perCall: { webSearch: less(perCall.webSearch), webFetch: less(perCall.webFetch) },
  };
}

/** 100 percent, in ten-thousandths. */
const whole = 1_000_000n;

function eachRate(rates: Rates, change: (rate: number) => number): Rates {
  return Object.fromEntries(Object.entries(rates).map(([kind, rate]) => [kind, change(rate)])) as Rates;
}
