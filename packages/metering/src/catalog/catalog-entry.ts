/** CatalogEntry: a family of models as `catalog.json` holds it, in decimals that a person can compare with a vendor's page. */

import type { DecimalPrice } from "../price-from-decimals.ts";

export type CatalogEntry = DecimalPrice & {
  /** Of the price, in its version: `gpt-4o`. */
  readonly name: string;
  /** The names that it is charged for, exact or with a star at the end. */
  readonly match: readonly string[];
  readonly contextWindow?: number;
  readonly maxOutputTokens?: number;
};

export type CatalogFile = {
  /** The day of the sources: `2026-11-24`. */
  readonly version: string;
  readonly sources: readonly string[];
  readonly providers: { readonly OpenAI: readonly CatalogEntry[]; readonly Anthropic: readonly CatalogEntry[] };
};
