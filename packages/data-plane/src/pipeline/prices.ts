/** What a key's calls are priced by: the gateway's own answer to `GET …/prices`, so that clients need no price table of their own. */

import type { TokenRates } from "@sluice/contract";
import type { Exchange } from "../exchange.ts";
import { resolveRoute, type TargetRuntime } from "../runtime/runtime.ts";
import { answer, offeredModels } from "./models.ts";

/** For each model that the key may use, the price of each target that may serve it. */
export function answerPrices(exchange: Exchange): Exchange {
  const { gateway, caller } = exchange;
  if (gateway === undefined || caller === undefined) throw new Error("prices are listed after authenticate");
  const data = offeredModels(exchange).map((id) => ({
    ...{ id, object: "price", currency: "USD" },
    targets: (resolveRoute(gateway, caller, id)?.tiers ?? []).flat().map((target) => priceOf(target, id)),
  }));
  return answer(exchange, JSON.stringify({ object: "list", data }));
}

function priceOf({ plan, provider, models }: TargetRuntime, asked: string) {
  const model = plan.model ?? asked;
  const found = models.find(model)?.value;
  const price = found?.price;
  return {
    ...{ provider: provider.id, model, price: price?.version ?? null },
    per_million_tokens: price === undefined ? null : decimals(price.rates),
    tiers: price?.tiers.map((tier) => ({
      above_input_tokens: tier.aboveInputTokens,
      per_million_tokens: decimals(tier.rates),
    })),
    context_window: found?.plan.contextWindow,
    max_output_tokens: found?.plan.maxOutputTokens,
  };
}

/** Pico-USD a token is micro-USD a million of them: decimal text, without a float in between. */
function decimals(rates: TokenRates): Record<string, string> {
  return Object.fromEntries(
    Object.entries(rates).map(([kind, microUsd]) => {
      const digits = String(microUsd).padStart(7, "0");
      return [kind, `${digits.slice(0, -6)}.${digits.slice(-6).replace(/0{1,4}$/, "")}`];
    }),
  );
}
