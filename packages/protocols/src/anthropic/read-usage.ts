/**
 * Usage of Anthropic messages. `input_tokens` are the uncached ones only; `cache_creation_input_tokens` is the sum of the 5-minute
 * and 1-hour writes; `output_tokens` includes thinking.
 */

import { CountReader, extras, part, tierName, type Usage } from "../usage.ts";

export type ToldUsage = Readonly<Record<string, unknown>>;

/**
 * A stream tells usage twice, cumulative: a field that is null or absent the second time is unchanged, and is never added.
 * `message_delta` has no split of cache writes: the one of `message_start` stays while their sum does.
 */
export function mergeUsage(before: ToldUsage | undefined, told: unknown): ToldUsage | undefined {
  if (told === null || typeof told !== "object") return before;
  const merged: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(told)) if (value !== null && value !== undefined) merged[name] = value;
  return merged;
}

/** Undefined when `usage` is no object or tells nothing. */
export function readUsage(usage: unknown): Usage | undefined {
  if (usage === null || typeof usage !== "object") return undefined;
  const told = usage as ToldUsage;
  if (countedMembers.every((name) => told[name] === undefined || told[name] === null || told[name] === 0))
    return undefined;
  const reader = new CountReader();
  const split = part(told, "cache_creation");
  const written = reader.count(told.cache_creation_input_tokens);
  const cacheWrite1h = reader.count(split.ephemeral_1h_input_tokens);
  const cacheWrite5m = reader.count(split.ephemeral_5m_input_tokens);
  const outputReasoning = reader.count(part(told, "output_tokens_details").thinking_tokens);
  const tools = part(told, "server_tool_use");
  return {
    input: reader.count(told.input_tokens),
    inputAudio: 0,
    cacheRead: reader.count(told.cache_read_input_tokens),
    // What the split leaves out was written for five minutes, as without a split.
    cacheWrite5m: Math.max(cacheWrite5m, written - cacheWrite1h),
    cacheWrite1h,
    cacheWriteOther: 0,
    output: reader.rest(reader.count(told.output_tokens), outputReasoning),
    outputReasoning,
    outputAudio: 0,
    ...extras({
      inputImage: 0,
      outputImage: 0,
      webSearches: reader.count(tools.web_search_requests),
      webFetches: reader.count(tools.web_fetch_requests),
      serviceTier: tiersOf(told),
      inconsistent: reader.inconsistent || (written > 0 && cacheWrite5m + cacheWrite1h > written),
    }),
  };
}

const countedMembers = [
  "input_tokens",
  "output_tokens",
  "cache_read_input_tokens",
  "cache_creation_input_tokens",
] as const;

/** Of tier, speed and region those that change the price; `standard` where the vendor tells nothing else. */
function tiersOf(told: ToldUsage): string | undefined {
  const [tier, speed, region] = [tierName(told.service_tier), tierName(told.speed), tierName(told.inference_geo)];
  const further = [speed === "standard" ? undefined : speed, plainRegions.has(region ?? "") ? undefined : region];
  const named = [tier === "standard" ? undefined : tier, ...further].filter((name) => name !== undefined);
  return named.length > 0 ? named.join("+") : tier;
}

const plainRegions = new Set(["", "global", "not_available"]);
