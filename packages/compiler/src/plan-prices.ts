/**
 * What is known of a Provider's models: price, context window, cap on output. The catalog's entries of its type, each with
 * what `spec.models` says instead, and what `spec.models` adds. The longest match counts, as for the data planes.
 */

import assert from "node:assert/strict";
import type { Provider, ProviderSpec } from "@sluice/api";
import type { ModelPlan, PricePlan } from "@sluice/contract";
import {
  type BuiltInCatalog,
  type CatalogModel,
  discounted,
  modelMatch,
  nanoUsdToDecimal,
  type Price,
  priceFromDecimals,
} from "@sluice/metering";
import type { Finding } from "./findings.ts";
import { byText, type Entry, finding } from "./inventory.ts";

export type PricedModels = {
  /** In the order of `match`. */
  readonly catalog: readonly ModelPlan[];
  /** By version. */
  readonly prices: ReadonlyMap<string, PricePlan>;
  /** Names for `GET /models`; undefined: none are known. */
  readonly names: readonly string[] | undefined;
  readonly findings: readonly Finding[];
};

type ListedModel = NonNullable<ProviderSpec["models"]>[number] & { readonly match: string };

export function planPrices(entry: Entry<Provider>, catalog: BuiltInCatalog): PricedModels {
  const { spec } = entry.resource;
  const known = spec.type === "OpenAICompatible" ? [] : catalog.providers[spec.type];
  const listed = (spec.models ?? []).map((model) => ({ ...model, match: model.name }));
  const plans = new Map<string, ModelPlan>();
  const prices = new Map<string, PricePlan>();
  const add = (match: string, own: ListedModel | undefined, base: CatalogModel | undefined) => {
    const price = priceOf(entry, match, own, base);
    if (price !== undefined) prices.set(price.version, pricePlan(price));
    const contextWindow = own?.contextWindow ?? base?.contextWindow;
    const maxOutputTokens = own?.maxOutputTokens ?? base?.maxOutputTokens;
    plans.set(match, {
      match,
      ...(price !== undefined && { price: price.version }),
      ...(contextWindow !== undefined && { contextWindow }),
      ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      // Unknown servers may bring a text into a longer form before they count it.
      byteLevelTokens: base?.byteLevelTokens ?? false,
    });
  };
  // What is said of a family (`gpt-4o*`) is meant for every entry of the catalog in it, dated names included.
  for (const model of known) add(model.match, modelMatch(listed, model.match), model);
  for (const model of listed) if (!plans.has(model.match)) add(model.match, model, modelMatch(known, model.match));
  return {
    catalog: [...plans.values()].sort((one, other) => byText(one.match, other.match)),
    prices,
    names: namesOf(known, spec.models),
    findings: unpricedFindings(entry, listed, plans),
  };
}

/** A price in the Provider stands as it is written; a discount is off the catalog's. */
function priceOf(
  { id, uid, generation, resource: { spec } }: Entry<Provider>,
  match: string,
  own: ListedModel | undefined,
  base: CatalogModel | undefined,
): Price | undefined {
  if (own?.price !== undefined) {
    const { webSearchPerCall = base && perCallText(base.price.perCall.webSearch), ...rates } = own.price;
    const fees = { ...(webSearchPerCall !== undefined && { webSearchPerCall }) };
    // A Provider that is deleted and made again counts its generations anew: its uid tells the two apart.
    const maker = `${id}#${generation}${uid === undefined ? "" : `@${uid.slice(0, 8)}`}`;
    const version = `Provider ${maker}/${match}`;
    const price = priceFromDecimals(
      { ...rates, ...fees },
      version,
      spec.type === "Anthropic" ? "Anthropic" : "AsInput",
    );
    assert(!("problem" in price), `${version}: the schema has read these decimals`);
    const { webFetch } = base?.price.perCall ?? price.perCall;
    return { ...price, perCall: { ...price.perCall, webFetch }, serviceTiers: base?.price.serviceTiers ?? {} };
  }
  const { discountPercent } = spec.pricing ?? {};
  if (base === undefined || discountPercent === undefined) return base?.price;
  const price = discounted(base.price, discountPercent);
  assert(!("problem" in price), `${id}: the schema has read the discount`);
  return price;
}

function perCallText(nanoUsd: number): string {
  return nanoUsdToDecimal(BigInt(nanoUsd));
}

function pricePlan({ version, rates, tiers, serviceTiers, perCall }: Price): PricePlan {
  return {
    version,
    rates: { ...rates },
    tiers: tiers.map((tier) => ({ aboveInputTokens: tier.aboveInputTokens, rates: { ...tier.rates } })),
    serviceTiers: { ...serviceTiers },
    perCall: { ...perCall },
  };
}

/** Listed families stand for the names that the catalog has of them. */
function namesOf(known: readonly CatalogModel[], listed: ProviderSpec["models"]): readonly string[] | undefined {
  const exact = known.map(({ match }) => match).filter((match) => !match.endsWith("*"));
  if (listed === undefined) return known.length === 0 ? undefined : exact.sort(byText);
  return listed.flatMap(({ name }) =>
    name.endsWith("*") ? exact.filter((match) => match.startsWith(name.slice(0, -1))).sort(byText) : [name],
  );
}

function unpricedFindings(
  entry: Entry<Provider>,
  listed: readonly ListedModel[],
  plans: ReadonlyMap<string, ModelPlan>,
): Finding[] {
  const say = (message: string, path: string) =>
    finding(entry, { condition: "Priced", reason: "PriceUnknown", message, path });
  if (plans.size === 0) {
    const message =
      'no model has a price, so callers under a USD Budget are refused: list them, each with its price ("0" where it is free)';
    return [say(message, "spec.models")];
  }
  return listed.flatMap(({ match }, index) => {
    // A family without a price of its own may be there for the names that the catalog prices.
    const priced = [...plans.values()].some(
      (plan) => plan.price !== undefined && modelMatch([{ match }], plan.match) !== undefined,
    );
    if (priced || plans.get(match)?.price !== undefined) return [];
    const message = `model ${match} has no price, so callers under a USD Budget are refused: set price ("0" where it is free)`;
    return [say(message, `spec.models[${index}]`)];
  });
}
