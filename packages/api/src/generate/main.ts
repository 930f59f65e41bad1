/**
 * `npm run generate`: writes `crds/` and `docs/reference/`. With `--check` writes nothing, names the files that are stale or
 * should not be there, and exits 1. The only file of this package that does I/O.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { crdFiles } from "./crds.ts";
import type { GeneratedFile } from "./generated-file.ts";
import { referenceFiles } from "./reference-pages.ts";

/** Folders that hold generated files alone. */
const folders = ["crds", "docs/reference"];

const root = resolve(import.meta.dirname, "../../../..");
const files = [...crdFiles(), ...referenceFiles()];
const stale = files.filter(({ path, text }) => read(path) !== text);
const surplus = folders.flatMap(listed).filter((path) => !files.some((file) => file.path === path));

if (process.argv.includes("--check")) {
  for (const { path } of stale) console.error(`${path} is stale`);
  for (const path of surplus) console.error(`${path} is no longer generated`);
  if (stale.length + surplus.length > 0) {
    console.error("Run `npm run generate` and commit what it writes.");
    process.exitCode = 1;
  }
} else {
  for (const file of stale) write(file);
  for (const path of surplus) rmSync(join(root, path));
  console.log(`${files.length} generated files, ${stale.length} written, ${surplus.length} removed`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return undefined;
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

function write({ path, text }: GeneratedFile): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
