/** A catalog of a few models, so that golden snapshots are short and do not change with the vendors' prices. */

import assert from "node:assert/strict";
import { type BuiltInCatalog, type CatalogModel, type DecimalPrice, priceFromDecimals } from "@sluice/metering";

function model(vendor: "openai" | "anthropic", matches: readonly [string, ...string[]], decimals: DecimalPrice) {
  const cacheWrites = vendor === "anthropic" ? "Anthropic" : "AsInput";
  const price = priceFromDecimals(decimals, `catalog 2026-01-01/${vendor}/${matches[0]}`, cacheWrites);
  assert(!("problem" in price));
  const bounds = { contextWindow: 200_000, maxOutputTokens: 16_384, byteLevelTokens: vendor === "openai" };
  return matches.map((match): CatalogModel => ({ match, price, ...bounds }));
}

export const smallCatalog: BuiltInCatalog = {
  version: "2026-01-01",
  providers: {
    OpenAI: [
      ...model("openai", ["gpt-4o", "gpt-4o-20*"], {
        inputPerMillion: "2.50",
        outputPerMillion: "10",
        cacheReadPerMillion: "1.25",
        serviceTiers: { priority: "1.7" },
        webSearchPerCall: "0.01",
      }),
      ...model("openai", ["gpt-4o-mini"], { inputPerMillion: "0.15", outputPerMillion: "0.60" }),
    ],
    Anthropic: model("anthropic", ["claude-sonnet-4-5", "claude-sonnet-4-5-20*"], {
      inputPerMillion: "3",
      outputPerMillion: "15",
      cacheReadPerMillion: "0.30",
    }),
  },
};
