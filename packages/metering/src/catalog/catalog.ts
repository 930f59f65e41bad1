/**
 * The built-in catalog: prices and bounds of the vendors' models, as of its version. Made by `generate/main.ts`; operators
 * override single models in their Provider. A name that no entry matches is unpriced, never guessed.
 */

import assert from "node:assert/strict";
import type { Price } from "../price.ts";
import { type CacheWriteRule, priceFromDecimals } from "../price-from-decimals.ts";
import json from "./catalog.json" with { type: "json" };
import type { CatalogEntry, CatalogFile } from "./catalog-entry.ts";

export type CatalogModel = {
  /** The vendor's name, or a prefix with a star at its end. */
  readonly match: string;
  readonly price: Price;
  /** The most input that the vendor takes. */
  readonly contextWindow?: number;
  readonly maxOutputTokens?: number;
  /** Whether a text never has more tokens than UTF-8 bytes. */
  readonly byteLevelTokens: boolean;
};

export type BuiltInCatalog = {
  readonly version: string;
  readonly providers: { readonly OpenAI: readonly CatalogModel[]; readonly Anthropic: readonly CatalogModel[] };
};

const file = json as unknown as CatalogFile;

export const builtInCatalog: BuiltInCatalog = {
  version: file.version,
  providers: {
    // OpenAI's tokenizers are byte-level BPE without normalization. Anthropic's is not published; the last one that was
    // brings text into NFKC first, which can make it longer.
    OpenAI: file.providers.OpenAI.flatMap((entry) => modelsOf(entry, "openai", "AsInput", true)),
    Anthropic: file.providers.Anthropic.flatMap((entry) => modelsOf(entry, "anthropic", "Anthropic", false)),
  },
};

function modelsOf(
  entry: CatalogEntry,
  vendor: string,
  cacheWrites: CacheWriteRule,
  byteLevelTokens: boolean,
): CatalogModel[] {
  const price = priceFromDecimals(entry, `catalog ${file.version}/${vendor}/${entry.name}`, cacheWrites);
  assert(!("problem" in price), `catalog.json, ${entry.name}: ${JSON.stringify(price)}`);
  const { contextWindow, maxOutputTokens } = entry;
  return entry.match.map((match) => ({
    match,
    price,
    ...(contextWindow === undefined ? {} : { contextWindow }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    byteLevelTokens,
  }));
}
