/**
 * LiteLLM's price map → entries of our catalog: one a family, with the names that it is charged for. LiteLLM alone tells
 * service tiers, output limits and fine-tunes.
 */

import type { CatalogEntry } from "../catalog/catalog-entry.ts";
import { scaledInteger } from "../decimal.ts";
import type { DecimalRates } from "../price-from-decimals.ts";
import { shifted } from "./decimal-text.ts";

/** Numbers as text. */
export type LiteLlmModel = Readonly<Record<string, unknown>>;

/** What our operations can reach; the others are priced by the second, the picture or the character. */
const modes = ["chat", "responses", "completion", "embedding"];

/** A date at the end of a name: `-2024-08-06`, `-20250929`. */
const date = /-20\d\d(-\d\d-\d\d|\d{4})$/;

export function liteLlmEntries(models: Readonly<Record<string, LiteLlmModel>>, provider: string): CatalogEntry[] {
  const all = Object.entries(models)
    .filter(
      ([name, model]) =>
        model.litellm_provider === provider && modes.includes(String(model.mode)) && !name.includes("/"),
    )
    .filter(([, model]) => model.input_cost_per_token !== undefined);
  const families = new Map<string, CatalogEntry>();
  // Undated names first: a dated one that is equal to its family is covered by the family's own pattern.
  for (const [name, model] of all.filter(([name]) => !date.test(name)))
    families.set(name, entryOf(name, model, provider));
  for (const [name, model] of all.filter(([name]) => date.test(name))) {
    const entry = entryOf(name, model, provider);
    const familyName = name.replace(date, "");
    const family = families.get(familyName);
    // A fine-tune's snapshot is part of its name for ever: it is no family.
    if (family === undefined && !name.startsWith("ft:")) families.set(familyName, { ...entry, ...namesOf(familyName) });
    else if (family === undefined || !isPricedAlike(entry, family)) families.set(name, entry);
  }
  return [...families.values()];
}

/** `ft:<snapshot>:<organisation>:…`; otherwise the name itself and, for a family, its dated snapshots. */
function namesOf(name: string): Pick<CatalogEntry, "name" | "match"> {
  if (name.startsWith("ft:")) return { name, match: [`${name}:*`] };
  const isFixed = date.test(name) || name.endsWith("-latest");
  return { name, match: isFixed ? [name] : [name, `${name}-20*`] };
}

function isPricedAlike(one: CatalogEntry, other: CatalogEntry): boolean {
  const bare = (entry: CatalogEntry): string => JSON.stringify({ ...entry, name: "", match: [] });
  return bare(one) === bare(other);
}

function entryOf(name: string, model: LiteLlmModel, provider: string): CatalogEntry {
  const thresholds = new Set(
    Object.keys(model).flatMap((key) => /^input_cost_per_token_above_(\d+)k_tokens$/.exec(key)?.[1] ?? []),
  );
  const tiers = [...thresholds].map(Number).sort((a, b) => a - b);
  const serviceTiers = serviceTiersOf(model);
  const search = model.search_context_cost_per_query as Record<string, string> | undefined;
  return {
    ...namesOf(name),
    ...numberAs("contextWindow", model.max_input_tokens),
    ...numberAs("maxOutputTokens", model.max_output_tokens),
    ...ratesOf(model, "", provider),
    ...(tiers.length === 0
      ? {}
      : {
          tiers: tiers.map((k) => ({ aboveInputTokens: k * 1000, ...ratesOf(model, `_above_${k}k_tokens`, provider) })),
        }),
    ...(Object.keys(serviceTiers).length === 0 ? {} : { serviceTiers }),
    ...(search === undefined ? {} : { webSearchPerCall: dearest(Object.values(search)) }),
  };
}

/** `suffix`: of a tier by context. A rate that the tier does not name stays out, and is filled in from the tier's own input. */
function ratesOf(model: LiteLlmModel, suffix: string, provider: string): DecimalRates {
  const read = (key: string): string | undefined => {
    const text = model[key + suffix];
    return typeof text === "string" ? shifted(text, 6) : undefined;
  };
  const input = read("input_cost_per_token") ?? "0";
  const output = model.mode === "embedding" ? input : (read("output_cost_per_token") ?? "0");
  const write = read("cache_creation_input_token_cost");
  return {
    inputPerMillion: input,
    outputPerMillion: output,
    ...kept("inputAudioPerMillion", read("input_cost_per_audio_token")),
    ...kept("inputImagePerMillion", read("input_cost_per_image_token")),
    ...kept("cacheReadPerMillion", read("cache_read_input_token_cost")),
    ...(provider === "anthropic"
      ? {
          ...kept("cacheWrite5mPerMillion", write),
          ...kept("cacheWrite1hPerMillion", read("cache_creation_input_token_cost_above_1hr")),
        }
      : {
          // OpenAI tells one count of writes. Half of the input's price is a slip of the source: no vendor charges a write less.
          ...kept(
            "cacheWriteOtherPerMillion",
            write !== undefined && dearest([write, input]) === write ? write : undefined,
          ),
          ...kept("cacheWrite1hPerMillion", read("cache_creation_input_token_cost_above_12hr")),
        }),
    ...kept("outputReasoningPerMillion", read("output_cost_per_reasoning_token")),
    ...kept("outputAudioPerMillion", read("output_cost_per_audio_token")),
    ...kept("outputImagePerMillion", read("output_cost_per_image_token")),
  };
}

/**
 * Factors by input and output, up to the thousandth. Rates of cached tokens are left out: the vendor's page rounds them
 * (0.13 for half of 0.25), and one factor serves all kinds.
 */
function serviceTiersOf(model: LiteLlmModel): Record<string, string> {
  const factors: Record<string, string> = {};
  for (const tier of ["priority", "flex", "ultrafast"]) {
    const ratios = Object.keys(model).flatMap((key) => {
      const base = /^((?:input|output)_cost_per_token(?:_above_\d+k_tokens)?)_([a-z]+)$/.exec(key);
      return base?.[2] === tier ? [thousandths(String(model[key]), String(model[base[1] ?? ""]))] : [];
    });
    if (ratios.length > 0) factors[tier] = shifted(String(Math.max(...ratios)), -3);
  }
  const entry = model.provider_specific_entry as Record<string, string> | undefined;
  for (const name of ["us", "fast"]) if (entry?.[name] !== undefined) factors[name] = shifted(entry[name], 0);
  return factors;
}

function thousandths(part: string, whole: string): number {
  const [a, b] = [part, whole].map((text) => scaledInteger(shifted(text, 6), 6));
  if (typeof a !== "bigint" || typeof b !== "bigint" || b === 0n) throw new Error(`no ratio of ${part} and ${whole}`);
  return Number((a * 1000n + b - 1n) / b);
}

function dearest(texts: readonly string[]): string {
  return texts.map((text) => shifted(text, 0)).reduce((most, text) => (Number(text) > Number(most) ? text : most), "0");
}

function kept<K extends string>(key: K, text: string | undefined): { readonly [k in K]?: string } {
  return (text === undefined ? {} : { [key]: text }) as { readonly [k in K]?: string };
}

function numberAs<K extends string>(key: K, text: unknown): { readonly [k in K]?: number } {
  const number = Number(text);
  return (Number.isSafeInteger(number) && number > 0 ? { [key]: number } : {}) as { readonly [k in K]?: number };
}
