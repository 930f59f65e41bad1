/**
 * The arrows of the architecture: which package may import which, compared with every manifest and every import. Also: no
 * import past a package's door, none that its manifest does not name, no cycle inside a package.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { findCycle } from "./cycle.ts";
import { type Import, importsOf } from "./imports.ts";
import { isTestFile, packageOf, place, readSources, type Source } from "./sources.ts";

/**
 * In order of dependency. What stands here and nothing else. `node`: a pure package, and the built-in modules that it may use
 * besides assertions: those whose functions answer from their arguments alone.
 */
const arrows: Record<string, { readonly to: readonly string[]; readonly node?: readonly string[] }> = {
  api: { to: [], node: [] },
  contract: { to: [], node: ["node:crypto", "node:zlib", "node:net"] },
  protocols: { to: [], node: ["node:buffer", "node:zlib"] },
  metering: { to: [], node: [] },
  limits: { to: ["contract"], node: [] },
  routing: { to: ["contract"], node: [] },
  guardrails: { to: ["contract"], node: [] },
  compiler: { to: ["api", "contract", "metering"], node: [] },
  bus: { to: ["contract"] },
  "data-plane": { to: ["contract", "protocols", "metering", "limits", "routing", "guardrails", "bus"] },
  "control-plane": { to: ["api", "compiler", "contract", "metering", "limits", "guardrails", "bus"] },
  console: { to: ["api"] },
  simulators: { to: ["protocols"] },
  cli: {
    to: [
      ...["api", "contract", "protocols", "metering", "limits", "routing", "guardrails", "compiler", "bus"],
      ...["data-plane", "control-plane", "console", "simulators"],
    ],
  },
};

/** Tests may import these as well: providers to call, and what the schema's examples need. */
const testsMayImport = ["simulators", "bus", "contract", "protocols"];

/** Tools of a pure package that write files when a developer runs them; nothing imports them. */
const toolFolders = ["packages/api/src/generate/", "packages/compiler/test/", "packages/metering/src/generate/"];

type Manifest = {
  readonly name: string;
  readonly exports?: string | Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
};

/** One line for each arrow that points where it must not. */
export function checkArrows(root: string, sources: readonly Source[] = readSources(root)): string[] {
  const manifests = readManifests(root);
  const problems = [...manifests].flatMap(([folder, manifest]) => checkManifest(folder, manifest));
  const graph = new Map<string, string[]>();
  for (const source of sources) {
    const imports = importsOf(source);
    for (const one of imports) problems.push(...checkImport(source, one, manifests));
    const loaded = imports.filter((one) => isRelative(one) && !one.isType);
    graph.set(
      source.path,
      loaded.map((one) => join(dirname(source.path), one.specifier)),
    );
  }
  const cycle = findCycle(graph);
  if (cycle !== undefined) problems.push(`a cycle of imports: ${cycle.join(" → ")}`);
  return problems;
}

function readManifests(root: string): Map<string, Manifest> {
  const found = new Map<string, Manifest>();
  for (const folder of readdirSync(join(root, "packages")).sort()) {
    const path = join(root, "packages", folder, "package.json");
    if (existsSync(path)) found.set(folder, JSON.parse(readFileSync(path, "utf8")));
  }
  return found;
}

function checkManifest(folder: string, manifest: Manifest): string[] {
  const where = `packages/${folder}/package.json`;
  const rule = arrows[folder];
  if (rule === undefined) return [`${where}: the package is not in the table of test/check/arrows.ts`];
  return Object.keys(manifest.dependencies ?? {})
    .filter((name) => name.startsWith("@sluice/") && !rule.to.includes(name.slice("@sluice/".length)))
    .map((name) => `${where}: ${folder} must not depend on ${name}`);
}

function checkImport(source: Source, one: Import, manifests: Map<string, Manifest>): string[] {
  const folder = packageOf(source.path);
  const manifest = folder === undefined ? undefined : manifests.get(folder);
  const rule = folder === undefined ? undefined : arrows[folder];
  if (folder === undefined || manifest === undefined || rule === undefined) return [];
  const where = place(source, one.offset);
  const isTest = isTestFile(source.path);

  if (isRelative(one)) {
    const target = join(dirname(source.path), one.specifier);
    return packageOf(target) === folder ? [] : [`${where}: ${one.specifier} leaves the package: import it by name`];
  }
  if (isBuiltin(one.specifier)) {
    const free = rule.node === undefined || isTest || toolFolders.some((tool) => source.path.startsWith(tool));
    if (free || one.specifier === "node:assert/strict" || rule.node?.includes(one.specifier)) return [];
    return [`${where}: ${folder} is pure, it must not import ${one.specifier}`];
  }
  const target = /^@sluice\/([^/]+)(\/.*)?$/.exec(one.specifier);
  if (target === null) return isDeclared(one.specifier, manifest, source.path) ? [] : [undeclared(where, one, folder)];

  const [, name = "", inner] = target;
  if (inner !== undefined && !isDoor(manifests.get(name), inner))
    return [`${where}: ${one.specifier} goes past the door of @sluice/${name}`];
  const allowed = rule.to.includes(name) || (isTest && testsMayImport.includes(name));
  if (!allowed) return [`${where}: ${folder} must not import @sluice/${name}`];
  return isDeclared(`@sluice/${name}`, manifest, source.path) ? [] : [undeclared(where, one, folder)];
}

/** Beside `.`, a manifest may list a door for tests (`./raw`). */
function isDoor(manifest: Manifest | undefined, inner: string): boolean {
  return typeof manifest?.exports === "object" && `.${inner}` in manifest.exports;
}

function isRelative(one: Import): boolean {
  return one.specifier.startsWith(".");
}

/** What ships takes only from `dependencies`; tests, and files beside `src/`, take from both and from the root's tools. */
function isDeclared(specifier: string, manifest: Manifest, path: string): boolean {
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (manifest.dependencies?.[name] !== undefined) return true;
  if (!isTestFile(path) && path.includes("/src/")) return false;
  return manifest.devDependencies?.[name] !== undefined || ["vitest", "fast-check"].includes(name);
}

function undeclared(where: string, one: Import, folder: string): string {
  return `${where}: ${one.specifier} is not among the dependencies of packages/${folder}/package.json`;
}
