/**
 * Anthropic's usage: `input_tokens` are the uncached ones alone; what a `cache_control` mark covers is told as written the
 * first time and as read from then on. The vendor's least cacheable size is not simulated.
 */

import { hash } from "node:crypto";
import type { Answer } from "../answer/compose-answer.ts";
import { tokensOfJson } from "../answer/count-tokens.ts";
import { spoiledCount } from "../answer/spoiled-count.ts";
import type { Spent } from "../bill.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { JsonObject, Shop } from "../vendor.ts";
import { inputTokens } from "./count-tokens.ts";

export function spentOn(body: JsonObject & { model: string }, answer: Answer, knobs: Knobs, shop: Shop): Spent {
  const total = inputTokens(body);
  const cached = cachedPrefix(body, shop);
  const cacheRead = Math.min(total, knobs.cached ?? (cached?.hit ? cached.tokens : 0));
  const written = cached !== undefined && !cached.hit ? Math.min(total - cacheRead, cached.tokens) : 0;
  const cacheWrite1h = cached?.hour ? written : 0;
  return {
    model: body.model,
    input: total - cacheRead - written,
    cacheRead,
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    outputTokens: answer.outputTokens,
    reasoningTokens: answer.reasoning.length,
    hiddenTokens: 0,
    webSearches: knobs.searches ?? 0,
  };
}

export function usageOf(spent: Spent, knobs: Knobs): JsonObject {
  const { input, cacheRead, cacheWrite5m, cacheWrite1h, outputTokens, reasoningTokens } = spent;
  const beyond = knobs["inconsistent-usage"] ? outputTokens : 0;
  return {
    input_tokens: spoiledCount(input, knobs),
    cache_creation_input_tokens: cacheWrite5m + cacheWrite1h,
    cache_read_input_tokens: cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: cacheWrite5m, ephemeral_1h_input_tokens: cacheWrite1h + beyond },
    output_tokens: spoiledCount(outputTokens, knobs),
    output_tokens_details: { thinking_tokens: reasoningTokens + beyond },
    ...(spent.webSearches === 0
      ? {}
      : { server_tool_use: { web_search_requests: spent.webSearches, web_fetch_requests: 0 } }),
    service_tier: "standard",
  };
}

type Prefix = { readonly tokens: number; readonly hit: boolean; readonly hour: boolean };

/** All that comes up to the last mark, in the vendor's order: tools, system, messages. */
function cachedPrefix(body: JsonObject, shop: Shop): Prefix | undefined {
  const blocks = [...listOf(body.tools), ...listOf(body.system), ...listOf(body.messages).flatMap(contentOf)];
  const last = blocks.findLastIndex((block) => block.cache_control !== undefined);
  const marked = blocks[last];
  if (marked === undefined) return undefined;
  const prefix = blocks.slice(0, last + 1);
  return {
    tokens: prefix.reduce((sum, block) => sum + tokensOfJson(block), 0),
    hit: shop.promptCache.touch(hash("sha256", `anthropic ${JSON.stringify(prefix)}`)),
    hour: (marked.cache_control as JsonObject | null)?.ttl === "1h",
  };
}

function contentOf(message: JsonObject): JsonObject[] {
  return typeof message.content === "string"
    ? [{ role: message.role, text: message.content }]
    : listOf(message.content);
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value)
    ? value.filter((item): item is JsonObject => typeof item === "object" && item !== null)
    : [];
}
