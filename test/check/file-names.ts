/** A file is named after the one thing it holds, in kebab-case; names that hold anything are refused. */

import { basename, dirname } from "node:path";
import { readSources, type Source } from "./sources.ts";

const empty = ["utils", "util", "helpers", "helper", "common", "manager", "misc", "types", "shared", "lib"];

export function checkFileNames(root: string, sources: readonly Pick<Source, "path">[] = readSources(root)): string[] {
  return sources.flatMap(({ path }) => {
    const names = [basename(path).split(".")[0] ?? "", ...dirname(path).split("/")];
    const vague = names.find((name) => empty.includes(name));
    if (vague !== undefined) return [`${path}: "${vague}" says nothing: name the file after the one thing it holds`];
    const base = names[0] ?? "";
    return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(base) ? [] : [`${path}: file names are kebab-case`];
  });
}
