import { expect, test } from "vitest";
import { readUsage } from "./read-usage.ts";

test.for([
  [
    "cached and reasoning tokens are parts of their totals",
    {
      prompt_tokens: 2006,
      completion_tokens: 300,
      total_tokens: 2306,
      prompt_tokens_details: { cached_tokens: 1920 },
      completion_tokens_details: { reasoning_tokens: 192 },
    },
    { input: 86, cacheRead: 1920, output: 108, outputReasoning: 192 },
  ],
  [
    "audio tokens are parts too",
    {
      prompt_tokens: 1200,
      completion_tokens: 400,
      prompt_tokens_details: { audio_tokens: 900, cached_tokens: 256 },
      completion_tokens_details: { audio_tokens: 300 },
    },
    { input: 44, inputAudio: 900, cacheRead: 256, output: 100, outputAudio: 300 },
  ],
  [
    "cache writes are a part",
    {
      prompt_tokens: 12000,
      completion_tokens: 700,
      prompt_tokens_details: { cached_tokens: 8000, cache_write_tokens: 3000 },
      completion_tokens_details: { reasoning_tokens: 512 },
    },
    { input: 1000, cacheRead: 8000, cacheWriteOther: 3000, output: 188, outputReasoning: 512 },
  ],
  [
    "reasoning that the total counts beside completion is not taken out of it",
    { prompt_tokens: 10, completion_tokens: 20, total_tokens: 80, completion_tokens_details: { reasoning_tokens: 50 } },
    { input: 10, output: 20, outputReasoning: 50 },
  ],
  [
    "DeepSeek tells cache hits at the top",
    { prompt_tokens: 100, completion_tokens: 1, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 },
    { input: 36, cacheRead: 64, output: 1 },
  ],
  ["embeddings have a prompt only", { prompt_tokens: 8, total_tokens: 8 }, { input: 8 }],
  [
    "negative, fractional and absurd counts are no tokens",
    { prompt_tokens: -5, completion_tokens: 1.5, total_tokens: 1e300 },
    {},
  ],
  [
    "details that are null are none",
    { prompt_tokens: 3, completion_tokens: 4, prompt_tokens_details: null, completion_tokens_details: null },
    { input: 3, output: 4 },
  ],
  [
    "parts larger than their total leave nothing, not less",
    { prompt_tokens: 5, completion_tokens: 0, prompt_tokens_details: { cached_tokens: 9 } },
    { cacheRead: 9 },
  ],
] as const)("%s", ([, told, expected]) => {
  const none = {
    input: 0,
    inputAudio: 0,
    cacheRead: 0,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    cacheWriteOther: 0,
    output: 0,
    outputReasoning: 0,
    outputAudio: 0,
  };
  expect(readUsage(told)).toEqual({ ...none, ...expected });
});

test.for([[null], [undefined], [5], ["x"], [{}], [[]]])("%j tells no usage", ([told]) => {
  expect(readUsage(told)).toBeUndefined();
});
