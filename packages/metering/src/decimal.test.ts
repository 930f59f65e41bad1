import fc from "fast-check";
import { expect, test } from "vitest";
import { decimalToNanoUsd, nanoUsdToDecimal, perMillionToPicoUsd } from "./decimal.ts";

test.for([
  ["500.00", 500_000_000_000n],
  ["0", 0n],
  ["0.0", 0n],
  ["0.000000001", 1n],
  ["20.00", 20_000_000_000n],
  ["0001.5", 1_500_000_000n],
  ["1.50000000000000", 1_500_000_000n],
  ["999999999", 999_999_999_000_000_000n],
  ["9007199.254740993", 9_007_199_254_740_993n],
] as const)("%s dollars are read exactly", ([text, nanoUsd]) => {
  expect(decimalToNanoUsd(text)).toBe(nanoUsd);
});

test.for([
  ["-1", "must be 0 or more"],
  ["-0.5", "must be 0 or more"],
  ["0.0000000001", "has too many digits after the point: at most 9"],
  ["1000000000", "is too large: at most 999999999"],
  ["1e3", "must be a decimal number"],
  ["NaN", "must be a decimal number"],
  ["Infinity", "must be a decimal number"],
  ["", "must be a decimal number"],
  [" 1", "must be a decimal number"],
  ["1\n", "must be a decimal number"],
  [".5", "must be a decimal number"],
  ["5.", "must be a decimal number"],
  ["1,000.00", "must be a decimal number"],
  ["$5", "must be a decimal number"],
  ["0x10", "must be a decimal number"],
  ["١", "must be a decimal number"],
] as const)("%j is refused in words", ([text, words]) => {
  const answer = decimalToNanoUsd(text);
  expect(typeof answer === "object" && answer.problem).toContain(words);
});

test("a number in place of text is refused: it may already have lost digits", () => {
  expect(decimalToNanoUsd(0.1 as unknown as string)).toHaveProperty("problem");
});

test.for([
  [12_345_678_901n, "12.345678901"],
  [0n, "0.00"],
  [1n, "0.000000001"],
  [500_000_000_000n, "500.00"],
  [87_084_000n, "0.087084"],
  [1_100_000_000n, "1.10"],
  [-1_500_000_000n, "-1.50"],
  [9_223_372_036_854_775_807n, "9223372036.854775807"],
] as const)("%s nano-dollars are written %s", ([nanoUsd, text]) => {
  expect(nanoUsdToDecimal(nanoUsd)).toBe(text);
});

test("what is written is read as the same amount", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 999_999_999_999_999_999n }), (nanoUsd) => {
      expect(decimalToNanoUsd(nanoUsdToDecimal(nanoUsd))).toBe(nanoUsd);
    }),
  );
});

test("dollars per million tokens are pico-dollars a token", () => {
  expect(perMillionToPicoUsd("2.50")).toBe(2_500_000);
  expect(perMillionToPicoUsd("0.0005")).toBe(500);
  expect(perMillionToPicoUsd("0.0000001")).toEqual({ problem: "has too many digits after the point: at most 6" });
});
