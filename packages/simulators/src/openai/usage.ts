/** OpenAI's usage object. Cached tokens are part of the prompt's, reasoning is part of the completion's. */

import type { Answer } from "../answer/compose-answer.ts";
import type { Knobs } from "../knobs/knobs.ts";

/** Of `huge-usage`: beyond 32 bits, and still a whole number in a double when many are summed. */
const hugeTokens = 1_000_000_000_000;

export function usageOf(
  promptTokens: number,
  cachedTokens: number,
  answers: readonly Answer[],
  knobs: Knobs,
): object | undefined {
  if (knobs["no-usage"]) return undefined;
  const prompt = knobs["huge-usage"] ? hugeTokens : promptTokens;
  const completion = knobs["huge-usage"] ? hugeTokens : answers.reduce((sum, answer) => sum + answer.outputTokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: Math.min(prompt, knobs.cached ?? cachedTokens), audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: answers.reduce((sum, answer) => sum + answer.reasoning.length, 0),
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
