/**
 * Usage events that a killed process had numbered and journaled but not yet in its file: they are put behind those that are, under
 * its name and their numbers. Doing it twice adds nothing.
 */

import { readFile, truncate } from "node:fs/promises";
import { createSegment, listSegments, type Segment, segmentOf } from "./segments.ts";

export type NumberedEvent = { readonly seq: number; readonly members: string };

/** Rejects when the disk does not take them. */
export async function recoverEvents(input: {
  folder: string;
  instance: string;
  /** In the order of their numbers. */
  events: readonly NumberedEvent[];
}): Promise<void> {
  const { folder, instance } = input;
  const segments = (await listSegments(folder)).filter((one) => one.segment.instance === instance);
  const last = segments.at(-1)?.segment;
  const lastSeq = last === undefined ? undefined : await lastWholeLine(last);
  const missing = input.events.filter(({ seq }) => seq > (lastSeq ?? 0));
  const [first] = missing;
  if (first === undefined) return;

  let seq = (lastSeq ?? first.seq - 1) + 1;
  const segment = last ?? segmentOf(folder, instance, seq);
  let text = "";
  for (const event of missing) {
    // The ledger waits at a gap for ever, so a number that nobody has is told as what it is.
    for (; seq < event.seq; seq++) text += lineOf(instance, { seq, members: lostAmong(event.members) });
    text += lineOf(instance, event);
    seq = event.seq + 1;
  }
  const file = await createSegment(segment);
  try {
    await file.appendFile(text);
  } finally {
    await file.close();
  }
}

/** Its number. Cuts off a torn one behind it. */
async function lastWholeLine({ path, firstSeq }: Segment): Promise<number> {
  const bytes = await readFile(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) await truncate(path, end);
  return firstSeq + bytes.toString("utf8", 0, end).split("\n").length - 2;
}

function lineOf(instance: string, { seq, members }: NumberedEvent): string {
  return `{"instance":"${instance}","seq":${seq},${members}}\n`;
}

/** Neither journaled nor on disk when the process was killed; the next event tells about when. */
function lostAmong(neighbour: string): string {
  const { startedAtMs, protocol } = JSON.parse(`{${neighbour}}`);
  const lost = {
    ...{ requestId: "lost", startedAtMs, durationMs: 0, outcome: "Failed", status: 0, code: "record_lost" },
    ...{ protocol, operation: "unknown", stream: false, attempts: 0, requestBytes: 0, responseBytes: 0 },
  };
  return JSON.stringify(lost).slice(1, -1);
}
