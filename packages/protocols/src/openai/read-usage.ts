/**
 * Usage of OpenAI's chat completions, legacy completions and embeddings, and of servers that follow them.
 * `prompt_tokens` includes cached, written and audio tokens; `completion_tokens` includes reasoning and audio.
 */

import { count, part, type Usage } from "../usage.ts";

/** Undefined when `usage` is no object or tells nothing. */
export function readUsage(usage: unknown): Usage | undefined {
  if (usage === null || typeof usage !== "object") return undefined;
  const told = usage as Readonly<Record<string, unknown>>;
  if (told.prompt_tokens === undefined && told.completion_tokens === undefined && told.total_tokens === undefined)
    return undefined;
  const prompt = part(told, "prompt_tokens_details");
  const completion = part(told, "completion_tokens_details");
  // DeepSeek and Moonshot tell cached tokens at the top.
  const cacheRead = count(prompt.cached_tokens) || count(told.prompt_cache_hit_tokens) || count(told.cached_tokens);
  const cacheWriteOther = count(prompt.cache_write_tokens);
  const inputAudio = count(prompt.audio_tokens);
  const outputReasoning = count(completion.reasoning_tokens);
  const outputAudio = count(completion.audio_tokens);
  const promptTotal = count(told.prompt_tokens);
  const completionTotal = count(told.completion_tokens);
  // xAI and Gemini's compatible server count reasoning beside completion_tokens, which only the total shows.
  const reasoningBeside =
    outputReasoning > 0 && count(told.total_tokens) === promptTotal + completionTotal + outputReasoning;
  return {
    input: Math.max(0, promptTotal - cacheRead - cacheWriteOther - inputAudio),
    inputAudio,
    cacheRead,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    cacheWriteOther,
    output: Math.max(0, completionTotal - outputAudio - (reasoningBeside ? 0 : outputReasoning)),
    outputReasoning,
    outputAudio,
  };
}
