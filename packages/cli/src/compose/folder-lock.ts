/**
 * One `sluice up` a folder. The lock is a file with the holder's process id and when that process began, so that neither a
 * kill -9 nor a process id used again keeps a folder locked.
 */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Holder = { readonly pid: number; readonly began: string };

export type FolderLock = { readonly kind: "held"; release(): void };
export type FolderBusy = { readonly kind: "busy"; readonly pid: number };

const attemptsMax = 5;

export function lockFolder(folder: string): FolderLock | FolderBusy {
  const path = join(folder, "up.lock");
  const draft = `${path}.${process.pid}`;
  const ours = JSON.stringify({ pid: process.pid, began: beganOf(process.pid) } satisfies Holder);
  writeFileSync(draft, ours, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      // A link appears with its content, so nobody reads a lock that is half written.
      if (tryLink(draft, path)) return { kind: "held", release: () => release(path, ours) };
      const text = readLock(path);
      const holder = text === undefined ? undefined : parseHolder(text);
      if (holder !== undefined && isAlive(holder)) return { kind: "busy", pid: holder.pid };
      if (text !== undefined) clearStale(path, text);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return { kind: "busy", pid: parseHolder(readLock(path) ?? "")?.pid ?? 0 };
}

function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Two starts may find the same dead holder: what the second one takes away is then the first one's new lock, and goes back. */
function clearStale(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // another start was faster
  }
  if (readLock(aside) !== stale) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function release(path: string, ours: string): void {
  if (readLock(path) === ours) rmSync(path, { force: true });
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && "pid" in value && "began" in value
      ? (value as Holder)
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, began }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, as another user.
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false;
  }
  return began === beganOf(pid);
}

/** Linux tells when a process began (clock ticks since boot, field 22); elsewhere the process id alone has to do. */
function beganOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in brackets, which may hold blanks and brackets itself.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
