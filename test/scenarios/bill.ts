/** The vendor's bill in nano-dollars: true tokens at the catalog's prices, whatever the gateway says. */

import { builtInCatalog, costNanoUsd, modelMatch } from "@sluice/metering";
import type { BillEntry } from "@sluice/simulators";

export function billNanoUsd(entries: readonly BillEntry[]): bigint {
  return entries.reduce((sum, entry) => sum + entryNanoUsd(entry), 0n);
}

export function entryNanoUsd({ model, tokens }: BillEntry): bigint {
  const found = modelMatch(builtInCatalog.providers.OpenAI, model);
  if (found === undefined) throw new Error(`The catalog has no price for ${model}`);
  return costNanoUsd(tokens, found.price);
}
