import { expect, test } from "vitest";
import { KnobUnknown } from "./knobs.ts";
import { knobsOfHeader, knobsOfModel } from "./read-knobs.ts";

test.for([
  ["a plain name has no knobs", "gpt-4o", "gpt-4o", {}],
  ["knobs follow the name", "gpt-4o@status-429@retry-after-2", "gpt-4o", { status: 429, "retry-after": 2 }],
  ["a knob whose name has a dash may stand bare", "gpt-4o@no-usage", "gpt-4o", { "no-usage": true }],
  ["a bare number knob has its usual value", "gpt-4o@drip", "gpt-4o", { drip: 1000 }],
  ["a vendor's version after @ stays in the name", "claude-3@20240620@tokens-5", "claude-3@20240620", { tokens: 5 }],
] as const)("%s", ([, text, model, knobs]) => {
  expect(knobsOfModel(text)).toEqual({ model, knobs });
});

test("a header has its knobs with an equals sign, between commas", () => {
  expect(knobsOfHeader("latency=200, gap-ms=1.5 ,silent")).toEqual({ latency: 200, "gap-ms": 1.5, silent: true });
  expect(knobsOfHeader(undefined)).toEqual({});
});

test.for([
  "gpt-4o@speed-9",
  "gpt-4o@status",
  "gpt-4o@status-",
  "gpt-4o@status-x",
  "gpt-4o@no-usage-1",
  "gpt-4o@",
  "m@constructor",
])("%s names no knob and is refused", (text) => {
  expect(() => knobsOfModel(text)).toThrow(KnobUnknown);
});

test.for(["status", "speed=9", "status=-1", "status=1e3"])("the header %s is refused", (text) => {
  expect(() => knobsOfHeader(text)).toThrow(KnobUnknown);
});
