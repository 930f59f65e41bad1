import { expect, test } from "vitest";
import { estimateInputTokens, estimateOutputTokens } from "./estimate.ts";

test.for([
  [0, 0],
  [1, 1],
  [7, 2],
  [8, 3],
  [3_500, 1_000],
] as const)("%i bytes are about %i tokens", ([bytes, tokens]) => {
  expect(estimateInputTokens(bytes)).toBe(tokens);
  expect(estimateOutputTokens(bytes)).toBe(tokens);
});
