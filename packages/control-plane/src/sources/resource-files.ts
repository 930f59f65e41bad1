/** The YAML files of a folder, read as resources. A file that is unchanged is not parsed again. */

import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { type Problem, type Resource, readResources } from "@sluice/api";

export type SourceProblem = Problem & { readonly file: string };

export type ResourceFile = {
  /** From the folder, with `/`. */
  readonly file: string;
  readonly resources: readonly Resource[];
  readonly problems: readonly SourceProblem[];
};

const filesMax = 10_000;
const fileBytesMax = 8 * 1024 * 1024;

export class ResourceFiles {
  readonly #folder: string;
  #known = new Map<string, ResourceFile & { readonly stamp: string }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All files by name, or why the folder itself can't be read: nothing may be concluded from what is not seen then. */
  async readAll(): Promise<readonly ResourceFile[] | SourceProblem> {
    const names = await this.#names();
    if (!Array.isArray(names)) return names;
    const read = new Map<string, ResourceFile & { readonly stamp: string }>();
    for (const file of names) read.set(file, await this.#readOne(file));
    this.#known = read;
    return [...read.values()];
  }

  async #names(): Promise<string[] | SourceProblem> {
    try {
      const entries = await readdir(this.#folder, { recursive: true, withFileTypes: true });
      const names = entries
        .filter((entry) => !entry.isDirectory() && /\.ya?ml$/i.test(entry.name))
        .map((entry) => relative(this.#folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
        // Hidden: editors' drafts, and the versions behind a mounted ConfigMap's links.
        .filter((file) => !file.split("/").some((part) => part.startsWith(".")));
      if (names.length > filesMax)
        return fileProblem(this.#folder, `has ${names.length} YAML files, at most ${filesMax} are read`);
      return names.sort();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return fileProblem(this.#folder, `can't be read (${code}): what came from it stays as it is`);
    }
  }

  async #readOne(file: string): Promise<ResourceFile & { readonly stamp: string }> {
    const path = join(this.#folder, file);
    const known = this.#known.get(file);
    let stamp = "";
    try {
      const found = await stat(path);
      stamp = `${found.ino} ${found.mtimeMs} ${found.ctimeMs} ${found.size}`;
      if (known?.stamp === stamp) return known;
      if (found.size > fileBytesMax) return failed(file, stamp, `has more than ${fileBytesMax} bytes`);
      const { resources, problems } = readResources(await readFile(path), file);
      return {
        ...{ file, stamp },
        resources: resources.map(({ resource }) => resource),
        problems: problems.map((problem) => ({ ...problem, file })),
      };
    } catch (error) {
      const { code = "unknown error" } = error as NodeJS.ErrnoException;
      return failed(file, "", `can't be read (${code})`);
    }
  }
}

function failed(file: string, stamp: string, message: string) {
  return { file, stamp, resources: [], problems: [fileProblem(file, message)] };
}

/** What is wrong with a file as a whole. */
export function fileProblem(file: string, message: string): SourceProblem {
  return { file, path: "", message, reason: "FieldValueInvalid" };
}
