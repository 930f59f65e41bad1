import { expect, test } from "vitest";
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
