/**
 * Which admin API a verb talks to, and with what token. Flags win over the environment, which wins over the `.sluice/` folder
 * of a running `sluice up`, looked for from the current folder upwards. A token that was found goes only to its own server.
 */

import { readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";

export type Connection = {
  /** Without a trailing slash. */
  readonly server: string;
  readonly token: string | undefined;
};

/** What `sluice up` leaves in its folder while it runs. */
export type UpRecord = { readonly pid: number; readonly admin: string; readonly url: string };

const defaultServer = "http://127.0.0.1:4142";

export function findConnection(given: { server?: string; token?: string; folder: string }): Connection {
  const found = findUpFolder(given.folder);
  const server = (given.server ?? found?.admin ?? defaultServer).replace(/\/+$/, "");
  const isFound = found !== undefined && found.admin === server;
  return { server, token: given.token ?? (isFound ? found.token : undefined) };
}

function findUpFolder(folder: string): { admin: string; token: string | undefined } | undefined {
  const here = join(folder, ".sluice");
  const record = isOurs(here) ? readUpRecord(here) : undefined;
  if (record !== undefined) return { admin: record.admin, token: read(join(here, "admin.token"))?.trim() };
  const parent = dirname(folder);
  return parent === folder ? undefined : findUpFolder(parent);
}

export function readUpRecord(folder: string): UpRecord | undefined {
  const text = read(join(folder, "up.json"));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off by a crash: the next start writes it again
  }
}

/** Another user's folder further up (in /tmp, say) must not be told what this one applies. */
function isOurs(folder: string): boolean {
  try {
    return process.platform === "win32" || statSync(folder).uid === userInfo().uid;
  } catch {
    return false;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
