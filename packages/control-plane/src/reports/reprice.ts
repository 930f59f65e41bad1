/** What a usage record would cost at another price, from its recorded tokens. Pure: who asks, and what is done, is elsewhere. */

import type { PricePlan, Snapshot } from "@sluice/contract";
import { costNanoUsd, modelMatch } from "@sluice/metering";
import { type CorrectedUsage, type Correction, holding } from "./correction.ts";

/** `skipped`: it can't be reckoned anew. `same`: it costs what it did. */
export type Repriced =
  | { readonly kind: "skipped" }
  | { readonly kind: "same" }
  | {
      readonly kind: "changed";
      readonly deltaCostNanoUsd: bigint;
      readonly price: string;
    };

export function reprice(usage: CorrectedUsage, price: PricePlan | undefined): Repriced {
  const { tokens, serviceTier, folded, estimated } = usage.event;
  if (tokens === undefined || price === undefined) return { kind: "skipped" };
  // What was told of it is not what was billed: cut short, absurd, or of the last of several attempts.
  if (estimated === true) return { kind: "skipped" };
  // Somebody has read the provider's bill. It goes before any price.
  if (usage.corrections.some(isBilled)) return { kind: "skipped" };
  // Of several calls in one record nobody knows which of them was above a tier.
  if (folded !== undefined && price.tiers.length > 0) return { kind: "skipped" };
  const before = holding(usage);
  const cost = costNanoUsd(tokens, price, serviceTier);
  const deltaCostNanoUsd = cost - (before.costNanoUsd ?? 0n);
  if (deltaCostNanoUsd === 0n && before.costNanoUsd !== undefined) return { kind: "same" };
  return { kind: "changed", deltaCostNanoUsd, price: price.version };
}

function isBilled({ kind, deltaCostNanoUsd }: Correction): boolean {
  return kind === "Settle" && deltaCostNanoUsd !== 0n;
}

/** Today's price of the model that a record's call was answered by; undefined: none is known. */
export function priceOf({ event }: CorrectedUsage, snapshot: Snapshot): PricePlan | undefined {
  const model = event.upstreamModel ?? event.model;
  const provider = snapshot.providers.find(({ id }) => id === event.provider);
  if (provider === undefined || model === undefined) return undefined;
  const name = modelMatch(provider.catalog, model)?.price;
  return name === undefined ? undefined : snapshot.prices[name];
}
