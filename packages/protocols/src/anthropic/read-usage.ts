/**
 * Usage of Anthropic messages. `input_tokens` are the uncached ones only; `cache_creation_input_tokens` is the sum of the 5-minute
 * and 1-hour writes; `output_tokens` includes thinking.
 */

import { count, part, type Usage } from "../usage.ts";

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

export function readUsage(usage: unknown): Usage | undefined {
  if (usage === null || typeof usage !== "object") return undefined;
  const told = usage as ToldUsage;
  if (told.input_tokens === undefined && told.output_tokens === undefined) return undefined;
  const split = part(told, "cache_creation");
  const written = count(told.cache_creation_input_tokens);
  const cacheWrite1h = count(split.ephemeral_1h_input_tokens);
  const cacheWrite5m = Math.max(count(split.ephemeral_5m_input_tokens), written - cacheWrite1h);
  const outputReasoning = count(part(told, "output_tokens_details").thinking_tokens);
  return {
    input: count(told.input_tokens),
    inputAudio: 0,
    cacheRead: count(told.cache_read_input_tokens),
    cacheWrite5m,
    cacheWrite1h,
    cacheWriteOther: 0,
    output: Math.max(0, count(told.output_tokens) - outputReasoning),
    outputReasoning,
    outputAudio: 0,
  };
}
