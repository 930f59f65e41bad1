/**
 * The spool's files: `<instance>-<number of the first event>.ndjson`, one event a line, appended to and deleted whole. Here is
 * what the file system is asked; what is sent and forgotten when is decided in `usage-spool.ts`.
 */

import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

export type Segment = { readonly path: string; readonly instance: string; readonly firstSeq: number };

const name = /^([0-9a-f]{32})-(\d{15})\.ndjson$/;

/** With their sizes, oldest first, instance by instance. Creates the folder. */
export async function listSegments(folder: string): Promise<{ segment: Segment; bytes: number }[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found: { segment: Segment; bytes: number }[] = [];
  for (const file of (await readdir(folder)).sort()) {
    const [, instance, firstSeq] = name.exec(file) ?? [];
    if (instance === undefined) continue;
    const path = join(folder, file);
    found.push({ segment: { path, instance, firstSeq: Number(firstSeq) }, bytes: (await stat(path)).size });
  }
  return found;
}

export function segmentOf(folder: string, instance: string, firstSeq: number): Segment {
  return { path: join(folder, `${instance}-${String(firstSeq).padStart(15, "0")}.ndjson`), instance, firstSeq };
}

export async function createSegment(segment: Segment): Promise<FileHandle> {
  return open(segment.path, "a", 0o600);
}

export async function deleteSegment(segment: Segment): Promise<void> {
  await rm(segment.path, { force: true });
}

/** Whole lines from `offset` on, at most about `bytesMax`; empty when there are none yet. A torn last line is left. */
export async function readLines(segment: Segment, offset: number, bytesMax: number): Promise<Buffer> {
  const file = await open(segment.path, "r");
  try {
    const buffer = Buffer.alloc(bytesMax);
    const { bytesRead } = await file.read(buffer, 0, bytesMax, offset);
    const end = buffer.lastIndexOf(0x0a, Math.max(0, bytesRead - 1));
    return end < 0 || bytesRead === 0 ? Buffer.alloc(0) : buffer.subarray(0, end + 1);
  } finally {
    await file.close();
  }
}
