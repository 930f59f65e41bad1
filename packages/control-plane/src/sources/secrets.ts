/**
 * Secrets by `namespace/name/key`: first what the composition holds in memory, then the file of that path in the folder of
 * secrets. A file that others may read is refused, as is one that lies elsewhere behind a link.
 */

import { type FileHandle, open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { Secret } from "./secret.ts";

export type SecretLookup =
  | { readonly kind: "found"; readonly value: Secret }
  /** Nothing is there. */
  | { readonly kind: "missing"; readonly message: string }
  /** Something is there that must not or can't be used. */
  | { readonly kind: "refused"; readonly message: string };

export type SecretSource = (id: string) => Promise<SecretLookup>;

/** Provider keys are below 1 KB; a whole service account file is below 4. */
const valueBytesMax = 64 * 1024;

export function secretSource(memory: ReadonlyMap<string, Secret>, folder: string | undefined): SecretSource {
  return async (id) => {
    const held = memory.get(id);
    if (held !== undefined) return usable(id, held.reveal());
    const path = pathOf(id);
    if (path === undefined) return refused(`"${id}" is no name of a secret: namespace/name/key`);
    if (folder === undefined) return missing(`There is no secret ${id}`);
    return readSecret(folder, path, id);
  };
}

async function readSecret(folder: string, path: string, id: string): Promise<SecretLookup> {
  const file = join(folder, path);
  try {
    const [root, real] = await Promise.all([realpath(folder), realpath(file)]);
    if (!real.startsWith(root + sep)) return refused(`${file} is a link to outside of ${folder}`);
    await using handle = await open(real);
    return await readChecked(handle, file, id);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    if (code === "ENOENT" || code === "ENOTDIR")
      return missing(`There is no file ${file}: write the value there, with mode 0600`);
    return refused(`${file} can't be read (${code})`);
  }
}

/** Looks at the open file, so that what was checked is what is read. */
async function readChecked(handle: FileHandle, file: string, id: string): Promise<SecretLookup> {
  const found = await handle.stat();
  if (!found.isFile()) return refused(`${file} is not a file`);
  const mode = found.mode & 0o777;
  if ((mode & 0o077) !== 0)
    return refused(`${file} has mode 0${mode.toString(8)}: others must not read it, run chmod 600 ${file}`);
  if (found.size > valueBytesMax) return refused(`${file} has ${found.size} bytes, a secret at most ${valueBytesMax}`);
  // Editors and `echo` end a file with a line break that is not part of the value.
  return usable(id, (await handle.readFile("utf8")).replace(/\r?\n$/, ""));
}

/** Values become HTTP headers, where a line break would be another header. */
function usable(id: string, value: string): SecretLookup {
  if (value === "") return refused(`The secret ${id} is empty`);
  if (!/^[\x20-\x7e]+$/.test(value))
    return refused(`The secret ${id} has line breaks or characters that no HTTP header can carry`);
  return { kind: "found", value: new Secret(value) };
}

/** Kubernetes' rules for namespace, Secret and key: no part can climb out of the folder. */
function pathOf(id: string): string | undefined {
  const [namespace = "", name = "", key = "", ...more] = id.split("/");
  const isName = (part: string) => /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(part) && !part.includes("..");
  const isKey = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}$/.test(key) && !key.endsWith(".");
  return more.length === 0 && isName(namespace) && isName(name) && isKey ? join(namespace, name, key) : undefined;
}

function missing(message: string): SecretLookup {
  return { kind: "missing", message };
}

function refused(message: string): SecretLookup {
  return { kind: "refused", message };
}
