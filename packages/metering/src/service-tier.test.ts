import { expect, test } from "vitest";
import type { Price } from "./price.ts";
import { dearestServiceTierFactor, serviceTierFactor } from "./service-tier.ts";

const price = { serviceTiers: { priority: 1_700, flex: 500, ultrafast: 6_000 } } as unknown as Price;
const anthropic = { serviceTiers: { fast: 2_000, us: 1_100 } } as unknown as Price;

test.for([
  [undefined, 1000],
  ["default", 1000],
  ["priority", 1_700],
  ["flex", 500],
  ["scale", 1000],
  ["constructor", 1000],
  ["__proto__", 1000],
] as const)("an answer's tier %s has the factor %i", ([name, factor]) => {
  expect(serviceTierFactor(price, name)).toBe(factor);
});

test("factors of several names multiply, rounded up", () => {
  expect(serviceTierFactor(anthropic, "fast+us")).toBe(2_200);
  expect(serviceTierFactor(anthropic, "standard+us")).toBe(1_100);
  expect(serviceTierFactor({ serviceTiers: { a: 1_001, b: 1_001 } } as unknown as Price, "a+b")).toBe(1_003);
});

test.for([
  ["who asks for nothing may be given what the project is set to", undefined, 1_700],
  ["auto is the same", "auto", 1_700],
  ["a name that we do not know is the same", "turbo", 1_700],
  ["who asks for the plain tier has it", "default", 1_000],
  ["a cheaper tier may fall back to the plain one", "flex", 1_000],
  ["priority", "priority", 1_700],
  ["a speed that no project is set to counts when asked for", "ultrafast", 10_200],
] as const)("the dearest factor of a call: %s", ([, name, factor]) => {
  expect(dearestServiceTierFactor(price, name)).toBe(factor);
});

test("residency may be a workspace's setting: every call may have it", () => {
  expect(dearestServiceTierFactor(anthropic, undefined)).toBe(1_100);
  expect(dearestServiceTierFactor(anthropic, "standard_only")).toBe(1_100);
  expect(dearestServiceTierFactor(anthropic, "fast")).toBe(2_200);
  expect(dearestServiceTierFactor(anthropic, "standard_only+fast")).toBe(2_200);
});
