/**
 * Usage of OpenAI's chat completions, legacy completions and embeddings, and of servers that follow them.
 * `prompt_tokens` includes cached, written, audio and image tokens; `completion_tokens` includes reasoning and audio.
 */

import { CountReader, extras, part, tierName, type Usage } from "../usage.ts";

/** `serviceTier`: the answer's own member, beside its usage. Undefined when `usage` is no object or tells nothing. */
export function readUsage(usage: unknown, serviceTier?: unknown): Usage | undefined {
  if (usage === null || typeof usage !== "object") return undefined;
  const told = usage as Readonly<Record<string, unknown>>;
  const { prompt_tokens, completion_tokens, total_tokens } = told;
  if (isNothing(prompt_tokens) && isNothing(completion_tokens) && isNothing(total_tokens)) return undefined;
  const reader = new CountReader();
  const prompt = part(told, "prompt_tokens_details");
  const completion = part(told, "completion_tokens_details");

  // DeepSeek and Moonshot tell cached tokens at the top.
  const cacheRead = reader.count(
    prompt.cached_tokens || told.prompt_cache_hit_tokens || told.cached_tokens || prompt.cached_tokens,
  );
  const cacheWriteOther = reader.count(prompt.cache_write_tokens);
  let promptTotal = reader.count(prompt_tokens);
  if (isNothing(prompt_tokens) && told.prompt_cache_miss_tokens !== undefined)
    promptTotal = cacheRead + reader.count(told.prompt_cache_miss_tokens);
  // A total alone does not say what of it was read and what was written.
  if (promptTotal === 0 && isNothing(completion_tokens)) {
    promptTotal = reader.count(total_tokens);
    reader.inconsistent = true;
  }
  const uncached = reader.rest(promptTotal, cacheRead + cacheWriteOther);
  // Which of the cached tokens were sound or image is not told: only as many as were not cached can be charged as such.
  const inputAudio = Math.min(uncached, reader.count(prompt.audio_tokens));
  const inputImage = Math.min(uncached - inputAudio, reader.count(prompt.image_tokens));

  const toldReasoning = reader.count(completion.reasoning_tokens);
  const outputAudio = reader.count(completion.audio_tokens);
  const outputImage = reader.count(completion.image_tokens);
  const completionTotal = reader.count(completion_tokens);
  const beside = reasoningBeside(total_tokens, promptTotal + completionTotal, toldReasoning);
  if (beside === "contradiction") reader.inconsistent = true;
  const outputReasoning = typeof beside === "number" ? beside : toldReasoning;
  const inCompletion = typeof beside === "number" ? 0 : toldReasoning;

  return {
    input: uncached - inputAudio - inputImage,
    inputAudio,
    cacheRead,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    cacheWriteOther,
    output: reader.rest(completionTotal, outputAudio + outputImage + inCompletion),
    outputReasoning,
    outputAudio,
    ...extras({
      inputImage,
      outputImage,
      // OpenRouter's name for it, Perplexity's and xAI's.
      webSearches: reader.count(
        part(told, "server_tool_use").web_search_requests ?? told.num_search_queries ?? told.num_sources_used,
      ),
      webFetches: 0,
      serviceTier: tierName(serviceTier) ?? tierName(told.service_tier),
      inconsistent: reader.inconsistent,
    }),
  };
}

/**
 * xAI and Gemini's compatible server count reasoning beside `completion_tokens`, which only the total shows; the latter may tell
 * it nowhere else. A total that is less than its parts, or more by another figure than the reasoning, contradicts itself.
 */
function reasoningBeside(total: unknown, sum: number, told: number): number | "within" | "contradiction" {
  if (isNothing(total) || total === sum) return "within";
  if (typeof total !== "number" || !Number.isInteger(total) || total < sum) return "contradiction";
  const rest = total - sum;
  return rest === told || (told === 0 && rest <= untoldReasoningMax) ? rest : "contradiction";
}

/** More than any model thinks at once: a total that is further off is not about reasoning. */
const untoldReasoningMax = 1_000_000;

/** Some servers put zeros where they have not counted. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === 0;
}
