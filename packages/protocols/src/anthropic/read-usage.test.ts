import { expect, test } from "vitest";
import type { Usage } from "../usage.ts";
import { mergeUsage, readUsage } from "./read-usage.ts";

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

test("cache reads and writes lie beside the input, thinking inside the output", () => {
  const told = {
    input_tokens: 21,
    cache_creation_input_tokens: 5000,
    cache_creation: { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 4000 },
    cache_read_input_tokens: 100_000,
    output_tokens: 1500,
    output_tokens_details: { thinking_tokens: 1100 },
  };
  expect(readUsage(told)).toEqual({
    ...none,
    input: 21,
    cacheRead: 100_000,
    cacheWrite5m: 1000,
    cacheWrite1h: 4000,
    output: 400,
    outputReasoning: 1100,
  });
});

test("writes without a split are five-minute ones", () => {
  expect(readUsage({ input_tokens: 3, cache_creation_input_tokens: 12_304, output_tokens: 550 })).toEqual({
    ...none,
    input: 3,
    cacheWrite5m: 12_304,
    output: 550,
  });
});

test("the end of a stream overwrites what its start told, and resets nothing that it leaves out", () => {
  const start = mergeUsage(undefined, { input_tokens: 10, cache_read_input_tokens: 2455, output_tokens: 1 });
  expect(readUsage(mergeUsage(start, { output_tokens: 34, cache_read_input_tokens: null }))).toEqual({
    ...none,
    input: 10,
    cacheRead: 2455,
    output: 34,
  });
});

test.for<[string, object, Partial<Usage>]>([
  [
    "calls of the vendor's tools are counted",
    { input_tokens: 1, output_tokens: 2, server_tool_use: { web_search_requests: 3, web_fetch_requests: 4 } },
    { input: 1, output: 2, webSearches: 3, webFetches: 4 },
  ],
  [
    "tier, speed and region are one name",
    { input_tokens: 1, output_tokens: 2, service_tier: "standard", speed: "fast", inference_geo: "us" },
    { input: 1, output: 2, serviceTier: "fast+us" },
  ],
  [
    "the plain tier is told",
    { input_tokens: 1, output_tokens: 2, service_tier: "standard", speed: "standard", inference_geo: "not_available" },
    { input: 1, output: 2, serviceTier: "standard" },
  ],
  ["a prompt that was cached whole is usage", { input_tokens: 0, cache_read_input_tokens: 9 }, { cacheRead: 9 }],
  ["negative counts are flagged", { input_tokens: -1, output_tokens: 2 }, { output: 2, inconsistent: true }],
  ["texts are flagged", { input_tokens: "1", output_tokens: 2 }, { output: 2, inconsistent: true }],
  [
    "absurd counts are bounded and flagged",
    { input_tokens: 1e12, output_tokens: 2 },
    { input: 1e9, output: 2, inconsistent: true },
  ],
  [
    "thinking beyond the output is flagged",
    { input_tokens: 1, output_tokens: 2, output_tokens_details: { thinking_tokens: 3 } },
    { input: 1, outputReasoning: 3, inconsistent: true },
  ],
  [
    "a split beyond its sum is flagged",
    {
      input_tokens: 1,
      output_tokens: 2,
      cache_creation_input_tokens: 3,
      cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 2 },
    },
    { input: 1, output: 2, cacheWrite5m: 2, cacheWrite1h: 2, inconsistent: true },
  ],
])("%s", ([, told, expected]) => {
  expect(readUsage(told)).toEqual({ ...none, ...expected });
});

test.for([[null], [5], [[]], [{}], [{ input_tokens: 0, output_tokens: 0 }], [{ input_tokens: null }]])(
  "%j tells no usage",
  ([told]) => {
    expect(readUsage(told)).toBeUndefined();
  },
);
