/**
 * genai-prices → what LiteLLM's map lacks: models that it has dropped, search fees, tiers. Where both tell a fee, the dearer
 * one is taken. `catalog.test.ts` compares all prices of both.
 */

import type { CatalogEntry } from "../catalog/catalog-entry.ts";
import { shifted } from "./decimal-text.ts";

type Tiered =
  | number
  | { readonly base: number; readonly tiers: readonly { readonly start: number; readonly price: number }[] };
type Prices = Readonly<Record<string, Tiered | undefined>>;
export type GenaiModel = {
  readonly id: string;
  readonly context_window?: number;
  /** Dated prices, the newest last. */
  readonly prices: Prices | readonly { readonly prices: Prices }[];
};

/** Models that vendors still name but LiteLLM does not: our patterns → id there. */
const retired: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  openai: {
    "chatgpt-4o-latest": ["chatgpt-4o-latest"],
    "codex-mini": ["codex-mini-latest"],
    "gpt-3.5-turbo-instruct": ["gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct-0914"],
    "gpt-4.5-preview": ["gpt-4.5-preview", "gpt-4.5-preview-20*"],
    "o1-mini": ["o1-mini", "o1-mini-20*"],
    "o1-preview": ["o1-preview", "o1-preview-20*"],
  },
  anthropic: {
    "claude-3-haiku": ["claude-3-haiku-20*"],
    "claude-3-opus-latest": ["claude-3-opus-20*", "claude-3-opus-latest"],
    "claude-3-5-haiku-latest": ["claude-3-5-haiku-20*", "claude-3-5-haiku-latest"],
    "claude-3-5-sonnet": ["claude-3-5-sonnet-20*", "claude-3-5-sonnet-latest"],
    "claude-3-7-sonnet-latest": ["claude-3-7-sonnet-20*", "claude-3-7-sonnet-latest"],
    "claude-sonnet-4-0": ["claude-sonnet-4-20*", "claude-sonnet-4-0"],
    "claude-opus-4-0": ["claude-opus-4-20*", "claude-opus-4-0"],
    "claude-opus-4-1": ["claude-opus-4-1", "claude-opus-4-1-20*"],
  },
};

/** Where neither tells what a search costs: the dearest that the vendor charges. */
const webSearchPerCall: Readonly<Record<string, string>> = { openai: "0.025", anthropic: "0.01" };

export function withGenaiPrices(
  entries: readonly CatalogEntry[],
  models: readonly GenaiModel[],
  provider: string,
): CatalogEntry[] {
  const known = new Map(models.map((model) => [model.id, model]));
  const completed = entries.map((entry) => {
    const prices = pricesOf(known.get(entry.name));
    const tiers = entry.tiers ?? (prices === undefined ? undefined : tiersOf(prices));
    return {
      ...entry,
      ...(tiers === undefined ? {} : { tiers }),
      webSearchPerCall: searchFee(entry, prices, provider),
    };
  });
  const added = Object.entries(retired[provider] ?? {}).map(([id, match]) => {
    const model = known.get(id);
    const prices = pricesOf(model);
    if (model === undefined || prices === undefined) throw new Error(`genai-prices has no model ${id}`);
    const tiers = tiersOf(prices);
    return {
      name: id,
      match,
      ...(model.context_window === undefined ? {} : { contextWindow: model.context_window }),
      ...ratesOf(prices, () => true),
      ...(tiers === undefined ? {} : { tiers }),
      webSearchPerCall: searchFee(undefined, prices, provider),
    };
  });
  return [...completed, ...added];
}

function pricesOf(model: GenaiModel | undefined): Prices | undefined {
  if (model === undefined) return undefined;
  return Array.isArray(model.prices) ? model.prices.at(-1)?.prices : (model.prices as Prices);
}

/** `start` is the last token of the tier below. */
function tiersOf(prices: Prices): CatalogEntry["tiers"] {
  const { input_mtok: input } = prices;
  if (typeof input !== "object") return undefined;
  return input.tiers.map(({ start }) => ({ aboveInputTokens: start, ...ratesOf(prices, (from) => from === start) }));
}

/** The rates of the tier that `isTier` picks; of the base where there is none. */
function ratesOf(prices: Prices, isTier: (start: number) => boolean): RatesOfGenai {
  const read = (key: string): string | undefined => {
    const price = prices[key];
    if (price === undefined) return undefined;
    // The shortest text of a number that was written as a decimal is that decimal.
    if (typeof price === "number") return shifted(String(price), 0);
    return shifted(String(price.tiers.find(({ start }) => isTier(start))?.price ?? price.base), 0);
  };
  const input = read("input_mtok") ?? "0";
  return {
    inputPerMillion: input,
    outputPerMillion: read("output_mtok") ?? input,
    ...kept("cacheReadPerMillion", read("cache_read_mtok")),
    ...kept("cacheWrite5mPerMillion", read("cache_write_mtok")),
    ...kept("cacheWrite1hPerMillion", read("cache_write_1h_mtok")),
  };
}
type RatesOfGenai = Pick<
  CatalogEntry,
  "inputPerMillion" | "outputPerMillion" | "cacheReadPerMillion" | "cacheWrite5mPerMillion" | "cacheWrite1hPerMillion"
>;

function searchFee(entry: CatalogEntry | undefined, prices: Prices | undefined, provider: string): string {
  const perThousand = prices?.web_searches_kcount;
  const told = [
    entry?.webSearchPerCall,
    typeof perThousand === "number" ? shifted(String(perThousand), -3) : undefined,
  ];
  return (
    told.filter((text) => text !== undefined).sort((a, b) => Number(b) - Number(a))[0] ??
    webSearchPerCall[provider] ??
    "0"
  );
}

function kept<K extends string>(key: K, text: string | undefined): { readonly [k in K]?: string } {
  return (text === undefined ? {} : { [key]: text }) as { readonly [k in K]?: string };
}
