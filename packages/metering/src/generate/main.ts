/**
 * Writes `catalog/catalog.json` from two published price lists (see `catalog/NOTICE`). A tool that a developer runs by hand:
 *   node packages/metering/src/generate/main.ts 2026-11-24 <LiteLLM's model_prices_and_context_window_backup.json> \
 *     <folder of @pydantic/genai-prices>
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { CatalogFile } from "../catalog/catalog-entry.ts";
import { parseWithNumbersAsText } from "./decimal-text.ts";
import { type GenaiModel, withGenaiPrices } from "./genai-prices-models.ts";
import { type LiteLlmModel, liteLlmEntries } from "./litellm-models.ts";

const [version, liteLlmPath, genaiFolder] = process.argv.slice(2);
if (version === undefined || liteLlmPath === undefined || genaiFolder === undefined) {
  throw new Error("three arguments are needed: the version, LiteLLM's JSON file, the folder of genai-prices");
}
const liteLlm = parseWithNumbersAsText(readFileSync(liteLlmPath, "utf8")) as Record<string, LiteLlmModel>;
const genai = (await import(pathToFileURL(resolve(genaiFolder, "dist/index.js")).href)) as {
  findProvider(options: { providerId: string }): { models: GenaiModel[] } | undefined;
};

const entriesOf = (provider: string) =>
  withGenaiPrices(
    liteLlmEntries(liteLlm, provider),
    genai.findProvider({ providerId: provider })?.models ?? [],
    provider,
  ).sort((a, b) => (a.name < b.name ? -1 : 1));

const file: CatalogFile = {
  version,
  sources: ["LiteLLM model_prices_and_context_window_backup.json", "@pydantic/genai-prices"],
  providers: { OpenAI: entriesOf("openai"), Anthropic: entriesOf("anthropic") },
};
const path = join(import.meta.dirname, "../catalog/catalog.json");
writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
console.log(
  `${path}: ${file.providers.OpenAI.length} families of OpenAI, ${file.providers.Anthropic.length} of Anthropic`,
);
