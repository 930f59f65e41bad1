/** Every module that a source file names: imports, re-exports and `import("…")` with a literal, types included. */

import type { Source } from "./sources.ts";

export type Import = {
  readonly specifier: string;
  readonly offset: number;
  /** Gone once types are stripped, so it can't be part of a cycle that a program runs into. */
  readonly isType: boolean;
};

export function importsOf(source: Source): Import[] {
  const { staticImports, staticExports, dynamicImports } = source.parsed.module;
  const found: Import[] = [];
  for (const { moduleRequest, entries } of staticImports) {
    const isType = entries.length > 0 && entries.every((entry) => entry.isType);
    found.push({ specifier: moduleRequest.value, offset: moduleRequest.start, isType });
  }
  for (const { entries } of staticExports)
    for (const { moduleRequest, isType } of entries)
      if (moduleRequest !== null) found.push({ specifier: moduleRequest.value, offset: moduleRequest.start, isType });
  for (const { moduleRequest } of dynamicImports) {
    const literal = /^(["'])(.+)\1$/.exec(source.text.slice(moduleRequest.start, moduleRequest.end))?.[2];
    if (literal !== undefined) found.push({ specifier: literal, offset: moduleRequest.start, isType: false });
  }
  return found;
}
