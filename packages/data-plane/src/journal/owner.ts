/**
 * One process a journal folder. The mark is a symbolic link whose target says who holds it, so it appears with its content, and
 * neither a kill -9 nor a process id used again keeps a folder locked. Across machines the session's secret decides (`lease.ts`).
 */

import { readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const attemptsMax = 5;

/** Another process writes this journal. */
export class JournalInUse extends Error {
  override readonly name = "JournalInUse";
  constructor(folder: string, pid: number) {
    super(
      `The journal folder ${folder} is in use by process ${pid}: two data planes can't share one. ` +
        "Stop that process, or give this one a folder of its own.",
    );
  }
}

/** Answers how to release it. */
export function ownFolder(folder: string, bootId: string): () => void {
  const path = join(folder, "owner");
  const ours = `${process.pid}:${beganOf(process.pid)}:${bootId}`;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (tryLink(ours, path)) return () => release(path, ours);
    const found = readMark(path);
    if (found === undefined) continue;
    const [pid = "", began = "", boot = ""] = found.split(":");
    if (boot === bootId && isAlive(Number(pid), began)) throw new JournalInUse(folder, Number(pid));
    clearStale(path, found);
  }
  throw new JournalInUse(folder, Number(readMark(path)?.split(":")[0] ?? 0));
}

function tryLink(mark: string, path: string): boolean {
  try {
    symlinkSync(mark, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Two starts may find the same dead holder: what the second one takes away is then the first one's new mark, and goes back. */
function clearStale(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // another start was faster
  }
  const taken = readMark(aside);
  if (taken !== undefined && taken !== stale) tryLink(taken, path);
  rmSync(aside, { force: true });
}

function release(path: string, ours: string): void {
  if (readMark(path) === ours) rmSync(path, { force: true });
}

function readMark(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number, began: string): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
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
