import { expect, test } from "vitest";
import { parseWithNumbersAsText, shifted } from "./decimal-text.ts";

test.for([
  ["3e-7", 6, "0.3"],
  ["0.00000375", 6, "3.75"],
  ["1e-06", 6, "1"],
  ["2.5E-6", 6, "2.5"],
  ["15", 6, "15000000"],
  ["10", -3, "0.01"],
  ["1700", -3, "1.7"],
  ["0", 6, "0"],
  ["0.10", 0, "0.1"],
  ["1.234567890123456789e3", 0, "1234.567890123456789"],
] as const)("%s moved by %i places is %s", ([text, places, result]) => {
  expect(shifted(text, places)).toBe(result);
});

test("numbers of a file keep their own digits", () => {
  expect(parseWithNumbersAsText('{"a":[0.1234567890123456789,3e-7,"1"]}')).toEqual({
    a: ["0.1234567890123456789", "3e-7", "1"],
  });
});
