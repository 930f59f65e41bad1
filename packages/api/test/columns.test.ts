import { expect, test } from "vitest";
import {
  ageText,
  changeProblems,
  columnsOf,
  columnValues,
  durationMs,
  parseResource,
  type Resource,
} from "../src/index.ts";

test.for([
  ["30s", 30_000],
  ["1m30s", 90_000],
  ["500ms", 500],
  ["1h0m0s", 3_600_000],
] as const)("%s is %i ms", ([text, ms]) => {
  expect(durationMs(text)).toBe(ms);
});

test.for([
  [500, "0s"],
  [119_000, "119s"],
  [600_000, "10m"],
  [7_200_000 * 2, "4h"],
  [86_400_000 * 20, "20d"],
] as const)("an age of %i ms is told as kubectl does: %s", ([ms, text]) => {
  expect(ageText(ms)).toBe(text);
});

test("a row has a cell for each column, and null where there is nothing", () => {
  const object = {
    metadata: { name: "chat", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { models: ["a", "b*"] },
    status: {
      conditions: [
        { type: "Accepted", status: "True" },
        { type: "Ready", status: "False" },
      ],
    },
  };
  const now = Date.parse("2026-01-01T00:01:00Z");
  expect(columnsOf("Route").map(({ name }) => name)).toEqual(["Name", "Ready", "Models", "Age"]);
  expect(columnValues("Route", object, now)).toEqual(["chat", "False", "a b*", "60s"]);
  expect(columnValues("Route", {}, now)).toEqual([null, null, null, null]);
});

test("what an update may not change is named", () => {
  const provider = (type: string): Resource => {
    const { resource } = parseResource({
      apiVersion: "sluice.dev/v1alpha1",
      kind: "Provider",
      metadata: { name: "p" },
      spec: { type, credential: { type: "None" } },
    });
    if (resource === undefined) throw new Error("the provider is right");
    return resource;
  };
  expect(changeProblems(provider("OpenAI"), provider("OpenAI"))).toEqual([]);
  expect(changeProblems(provider("OpenAI"), provider("Anthropic"))).toMatchObject([{ path: "spec.type" }]);
});
