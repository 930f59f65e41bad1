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
    "reasoning that is told nowhere but in the total is reasoning",
    { prompt_tokens: 10, completion_tokens: 20, total_tokens: 80 },
    { input: 10, output: 20, outputReasoning: 50 },
  ],
  [
    "Moonshot tells cached tokens at the top",
    { prompt_tokens: 100, completion_tokens: 1, total_tokens: 101, cached_tokens: 40 },
    { input: 60, cacheRead: 40, output: 1 },
  ],
  [
    "hits and misses are a prompt that is not told",
    { prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36, completion_tokens: 1 },
    { input: 36, cacheRead: 64, output: 1 },
  ],
  [
    "cached sound is charged as cached",
    { prompt_tokens: 1000, completion_tokens: 1, prompt_tokens_details: { audio_tokens: 900, cached_tokens: 512 } },
    { input: 0, inputAudio: 488, cacheRead: 512, output: 1 },
  ],
  [
    "images are parts on both sides",
    {
      prompt_tokens: 100,
      completion_tokens: 50,
      prompt_tokens_details: { image_tokens: 80 },
      completion_tokens_details: { image_tokens: 40 },
    },
    { input: 20, inputImage: 80, output: 10, outputImage: 40 },
  ],
  [
    "searches are told by OpenRouter",
    { prompt_tokens: 1, completion_tokens: 1, server_tool_use: { web_search_requests: 2 } },
    { input: 1, output: 1, webSearches: 2 },
  ],
  [
    "searches are told by xAI",
    { prompt_tokens: 1, completion_tokens: 1, num_sources_used: 3 },
    { input: 1, output: 1, webSearches: 3 },
  ],
  [
    "negative and fractional counts, and a total that can't be, are flagged",
    { prompt_tokens: -5, completion_tokens: 1.5, total_tokens: 1e300 },
    { output: 2, inconsistent: true },
  ],
  ["counts that are texts are flagged", { prompt_tokens: "12", completion_tokens: "NaN" }, { inconsistent: true }],
  [
    "an absurd count is bounded and flagged",
    { prompt_tokens: 1e12, completion_tokens: 5, total_tokens: 1e12 + 5 },
    { input: 1e9, output: 5, inconsistent: true },
  ],
  ["a total alone is flagged", { total_tokens: 8 }, { input: 8, inconsistent: true }],
  [
    "a total below its parts is flagged",
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 3 },
    { input: 10, output: 5, inconsistent: true },
  ],
  [
    "a total that is wildly more than its parts is flagged and charges nothing",
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 900_000_000 },
    { input: 10, output: 5, inconsistent: true },
  ],
  [
    "reasoning beyond its completion is flagged",
    { prompt_tokens: 10, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 9 } },
    { input: 10, outputReasoning: 9, inconsistent: true },
  ],
  [
    "details that are null are none",
    { prompt_tokens: 3, completion_tokens: 4, prompt_tokens_details: null, completion_tokens_details: null },
    { input: 3, output: 4 },
  ],
  [
    "parts larger than their total leave nothing, not less",
    { prompt_tokens: 5, completion_tokens: 0, prompt_tokens_details: { cached_tokens: 9 } },
    { cacheRead: 9, inconsistent: true },
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

test.for([
  [null],
  [undefined],
  [5],
  ["x"],
  [{}],
  [[]],
  [{ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
  [{ prompt_tokens: null }],
])("%j tells no usage", ([told]) => {
  expect(readUsage(told)).toBeUndefined();
});

test("the tier is told by the answer beside its usage, where it is a name", () => {
  const told = { prompt_tokens: 1, completion_tokens: 1 };
  expect(readUsage(told, "priority")?.serviceTier).toBe("priority");
  expect(readUsage(told, null)?.serviceTier).toBeUndefined();
  expect(readUsage(told, "x".repeat(65))?.serviceTier).toBeUndefined();
});
