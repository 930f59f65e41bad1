import { expect, test } from "vitest";
import { modelMatch } from "./model-match.ts";

const models = ["gpt-4o", "gpt-4o-20*", "gpt-4o-2024-05-13", "gpt-*", "*"].map((match) => ({ match }));

test.for([
  ["gpt-4o", "gpt-4o"],
  ["gpt-4o-2024-08-06", "gpt-4o-20*"],
  ["gpt-4o-2024-05-13", "gpt-4o-2024-05-13"],
  ["gpt-4o-mini", "gpt-*"],
  ["llama", "*"],
  ["GPT-4O", "*"],
] as const)("%s is %s: the exact name, else the longest prefix", ([name, match]) => {
  expect(modelMatch(models, name)?.match).toBe(match);
  expect(modelMatch(models.toReversed(), name)?.match).toBe(match);
});

test("a star inside a name is a star, and no match is none", () => {
  expect(modelMatch([{ match: "gpt-*-mini" }], "gpt-4o-mini")).toBeUndefined();
  expect(modelMatch([], "gpt-4o")).toBeUndefined();
});
