/** OpenAI's usage object. Cached tokens are part of the prompt's, reasoning is part of the completion's. */

import type { Answer } from "../answer/compose-answer.ts";
import { spoiledCount } from "../answer/spoiled-count.ts";
import type { Spent } from "../bill.ts";
import type { Knobs } from "../knobs/knobs.ts";

/** What answers cost. The thought of a model is not shown. */
export function spentOn(
  model: string,
  prompt: { readonly tokens: number; readonly cachedTokens: number },
  answers: readonly Answer[],
  knobs: Knobs,
): Spent {
  const cacheRead = Math.min(prompt.tokens, knobs.cached ?? prompt.cachedTokens);
  const reasoningTokens = answers.reduce((sum, answer) => sum + answer.reasoning.length, 0);
  return {
    model,
    input: prompt.tokens - cacheRead,
    cacheRead,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    outputTokens: answers.reduce((sum, answer) => sum + answer.outputTokens, 0),
    reasoningTokens,
    hiddenTokens: reasoningTokens,
    webSearches: knobs.searches ?? 0,
  };
}

export function usageOf(spent: Spent, knobs: Knobs): object | undefined {
  if (knobs["no-usage"]) return undefined;
  const prompt = spent.input + spent.cacheRead;
  const beyond = knobs["inconsistent-usage"] ? prompt + spent.outputTokens : 0;
  const [prompt_tokens, completion_tokens] = [spoiledCount(prompt, knobs), spoiledCount(spent.outputTokens, knobs)];
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: spoiledCount(Number(prompt_tokens) + Number(completion_tokens), {
      ...(knobs["string-usage"] ? { "string-usage": true } : {}),
    }),
    prompt_tokens_details: { cached_tokens: spent.cacheRead + beyond, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: spent.reasoningTokens + beyond,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
