/** Manifests from files, folders and standard input, each checked here before anything is sent: all that is wrong is told at once. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { defaultNamespace, problemText, readResources } from "@sluice/api";
import { CommandError } from "../command-error.ts";
import type { Manifest } from "./manifest.ts";

const filesMax = 10_000;

/**
 * `namespace`: the one given with -n. It is taken by manifests that name none, or `default`, which reads the same; one that
 * names another is refused.
 */
export async function readManifests(paths: readonly string[], namespace: string | undefined): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  const problems: string[] = [];
  for (const path of paths.flatMap(filesOf)) {
    const read = readResources(
      path === "-" ? await text(process.stdin) : readBytes(path),
      path === "-" ? "stdin" : path,
    );
    problems.push(...read.problems.map(problemText));
    for (const { resource, file, line } of read.resources) {
      const { metadata } = resource;
      if (namespace === undefined || [namespace, defaultNamespace].includes(metadata.namespace))
        manifests.push({ ...resource, metadata: { ...metadata, namespace: namespace ?? metadata.namespace } });
      else problems.push(`${file}:${line}: metadata.namespace: is ${metadata.namespace}, but -n says ${namespace}`);
    }
  }
  if (problems.length > 0) throw new CommandError(`nothing was sent:\n${problems.join("\n")}`);
  if (manifests.length === 0) throw new CommandError(`no resources in ${paths.join(", ")}`);
  return manifests;
}

/** A folder means its YAML and JSON files, not those of folders in it, by name. */
function filesOf(path: string): string[] {
  if (path === "-") return [path];
  if (!statOf(path).isDirectory()) return [path];
  const files = readdirSync(path)
    .filter((name) => /\.(ya?ml|json)$/.test(name) && !name.startsWith("."))
    .sort()
    .map((name) => join(path, name));
  if (files.length > filesMax) throw new CommandError(`${path} has more than ${filesMax} files`);
  return files;
}

function statOf(path: string) {
  try {
    return statSync(path);
  } catch (error) {
    throw new CommandError(`can't read ${path}: ${reason(error)}`, { cause: error });
  }
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CommandError(`can't read ${path}: ${reason(error)}`, { cause: error });
  }
}

function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file or folder";
  if (code === "EACCES") return "not permitted";
  return error instanceof Error ? error.message : String(error);
}
