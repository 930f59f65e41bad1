import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkArrows } from "./arrows.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice arrows "));
  write("packages/api/package.json", JSON.stringify({ name: "@sluice/api", dependencies: { zod: "1" } }));
  write(
    "packages/compiler/package.json",
    JSON.stringify({ name: "@sluice/compiler", dependencies: { "@sluice/api": "*" } }),
  );
  write("packages/api/src/index.ts", 'import { z } from "zod";\nexport const a = z;\n');
  write("packages/compiler/src/index.ts", 'export { a } from "@sluice/api";\n');
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

test("imports along the arrows pass", () => {
  expect(checkArrows(root)).toEqual([]);
});

test.for([
  [
    "an import against an arrow",
    "packages/api/src/wrong.ts",
    'import type { x } from "@sluice/compiler";\n',
    "packages/api/src/wrong.ts:1: api must not import @sluice/compiler",
  ],
  [
    "an import written as a call",
    "packages/api/src/wrong.ts",
    '\nawait import("@sluice/compiler");\n',
    "packages/api/src/wrong.ts:2: api must not import @sluice/compiler",
  ],
  [
    "a re-export",
    "packages/api/src/wrong.ts",
    'export * from "@sluice/compiler";\n',
    "packages/api/src/wrong.ts:1: api must not import @sluice/compiler",
  ],
  [
    "a way past a package's door",
    "packages/compiler/src/wrong.ts",
    'import "@sluice/api/src/index.ts";\n',
    "packages/compiler/src/wrong.ts:1: @sluice/api/src/index.ts goes past the door of @sluice/api",
  ],
  [
    "a relative path into another package",
    "packages/compiler/src/wrong.ts",
    'import "../../api/src/index.ts";\n',
    "packages/compiler/src/wrong.ts:1: ../../api/src/index.ts leaves the package: import it by name",
  ],
  [
    "a file read by a pure package",
    "packages/compiler/src/wrong.ts",
    'import "node:fs";\n',
    "packages/compiler/src/wrong.ts:1: compiler is pure, it must not import node:fs",
  ],
  [
    "a package that the manifest does not name",
    "packages/compiler/src/wrong.ts",
    'import "zod";\n',
    "packages/compiler/src/wrong.ts:1: zod is not among the dependencies of packages/compiler/package.json",
  ],
  [
    "a manifest that depends against an arrow",
    "packages/api/package.json",
    JSON.stringify({ name: "@sluice/api", dependencies: { zod: "1", "@sluice/cli": "*" } }),
    "packages/api/package.json: api must not depend on @sluice/cli",
  ],
  [
    "a package that the table does not know",
    "packages/sundry/package.json",
    JSON.stringify({ name: "@sluice/sundry" }),
    "packages/sundry/package.json: the package is not in the table of test/check/arrows.ts",
  ],
] as const)("%s is found", ([, path, text, problem]) => {
  write(path, text);
  expect(checkArrows(root)).toEqual([problem]);
});

test("a cycle inside a package is found, one of types alone is none", () => {
  write("packages/api/src/one.ts", 'import "./two.ts";\n');
  write("packages/api/src/two.ts", 'import type { x } from "./one.ts";\n');
  expect(checkArrows(root)).toEqual([]);

  write("packages/api/src/two.ts", 'export { x } from "./one.ts";\n');
  expect(checkArrows(root)).toEqual([
    "a cycle of imports: packages/api/src/one.ts → packages/api/src/two.ts → packages/api/src/one.ts",
  ]);
});

test("a second door counts once the manifest lists it", () => {
  write("packages/compiler/src/raw.ts", 'import "@sluice/api/raw";\n');
  expect(checkArrows(root)).toHaveLength(1);
  const doors = { ".": "./src/index.ts", "./raw": "./src/raw.ts" };
  write(
    "packages/api/package.json",
    JSON.stringify({ name: "@sluice/api", exports: doors, dependencies: { zod: "1" } }),
  );
  expect(checkArrows(root)).toEqual([]);
});
