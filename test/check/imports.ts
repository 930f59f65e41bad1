/** Every module that a source file names: imports, re-exports and `import("…")` with a literal, types included. */

import type { Source } from "./sources.ts";

export type Import = { readonly specifier: string; readonly offset: number };

export function importsOf(source: Source): Import[] {
  const { staticImports, staticExports, dynamicImports } = source.parsed.module;
  const found: Import[] = [];
  for (const { moduleRequest } of staticImports)
    found.push({ specifier: moduleRequest.value, offset: moduleRequest.start });
  for (const { entries } of staticExports)
    for (const { moduleRequest } of entries)
      if (moduleRequest !== null) found.push({ specifier: moduleRequest.value, offset: moduleRequest.start });
  for (const { moduleRequest } of dynamicImports) {
    const literal = /^(["'])(.+)\1$/.exec(source.text.slice(moduleRequest.start, moduleRequest.end))?.[2];
    if (literal !== undefined) found.push({ specifier: literal, offset: moduleRequest.start });
  }
  return found;
}
