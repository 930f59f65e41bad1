import { parseSync } from "oxc-parser";
import { expect, test } from "vitest";
import { checkFileNames } from "./file-names.ts";
import { checkHiddenInputs } from "./hidden-inputs.ts";

function inputsOf(path: string, text: string): string[] {
  return checkHiddenInputs(".", [{ path, text, parsed: parseSync(path, text) }]);
}

test.for([
  ["Date.now()", "Date.now"],
  ["new Date()", "new Date()"],
  ["[1].map(Math.random)", "Math.random"],
  ["setTimeout(() => {}, 1)", "setTimeout"],
] as const)("a pure package may not use %s", ([code, name]) => {
  expect(inputsOf("packages/compiler/src/wrong.ts", `\nexport const x = ${code};\n`)).toEqual([
    `packages/compiler/src/wrong.ts:2: compiler is pure: take what ${name} gives as an argument`,
  ]);
});

test("the environment is read by the command line's package alone", () => {
  const code = "export const x = process.env.HOME;\n";
  expect(inputsOf("packages/control-plane/src/wrong.ts", code)).toEqual([
    "packages/control-plane/src/wrong.ts:1: only cli reads process.env: take the value as an argument",
  ]);
  expect(inputsOf("packages/cli/src/environment.ts", code)).toEqual([]);
});

test("comments, strings, given dates and tests are free", () => {
  const code = "// Date.now() is not used\nexport const x = ['Math.random', new Date(0)];\n";
  expect(inputsOf("packages/compiler/src/right.ts", code)).toEqual([]);
  expect(inputsOf("packages/compiler/src/right.test.ts", "Date.now();")).toEqual([]);
});

test("a file name that says nothing is refused", () => {
  expect(checkFileNames(".", [{ path: "packages/api/src/utils.ts" }])).toHaveLength(1);
  expect(checkFileNames(".", [{ path: "packages/api/src/common/duration.ts" }])).toHaveLength(1);
  expect(checkFileNames(".", [{ path: "packages/api/src/Duration.ts" }])).toHaveLength(1);
  expect(checkFileNames(".", [{ path: "packages/api/src/fields/duration.property.test.ts" }])).toEqual([]);
});
