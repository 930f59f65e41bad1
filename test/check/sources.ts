/** The repository's own source files, parsed once for all checks that read code. */

import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type ParseResult, parseSync } from "oxc-parser";

export type Source = {
  /** From the root, with forward slashes: `packages/api/src/index.ts`. */
  readonly path: string;
  readonly text: string;
  readonly parsed: ParseResult;
};

/** `root`: the folder that holds `packages/` and `test/`. */
export function readSources(root: string): Source[] {
  const paths = globSync(["packages/*/{src,test}/**/*.{ts,mjs}", "packages/*/*.{ts,mjs}", "test/**/*.{ts,mjs}"], {
    cwd: root,
    exclude: (name) => ["node_modules", "dist", ".venv"].includes(name),
  });
  return paths.sort().map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return { path: relative(".", path), text, parsed: parseSync(path, text) };
  });
}

/** `path:line` of an offset, as editors open it. */
export function place(source: Source, offset: number): string {
  return `${source.path}:${source.text.slice(0, offset).split("\n").length}`;
}

/** Files that never ship: tests, what they share, and tools that run from a checkout. */
export function isTestFile(path: string): boolean {
  return /\.test\.ts$|^test\/|^packages\/[^/]+\/test\//.test(path);
}

/** The package that a file belongs to, undefined outside `packages/`. */
export function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1];
}
