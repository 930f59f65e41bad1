/**
 * What a journal folder proves. It never throws at what it finds: a damaged journal proves what it contains and nothing it lacks,
 * and only a complete one lets a successor go on with its leases.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { scanFrames } from "./frame.ts";
import {
  type JournalBase,
  type JournalEvent,
  type JournalHead,
  type JournalLease,
  type JournalRecord,
  type JournalReserve,
  journalFormat,
} from "./record.ts";
import { readRecord } from "./record-text.ts";
import { JournalState } from "./state.ts";

export type Recovered = {
  /** Nothing is missing: the kernel that wrote it still runs and no number is missing, or a planned stop closed it. */
  readonly complete: boolean;
  /** Why it is not, in words for a log. */
  readonly flaws: readonly string[];
  /** Ended by a planned stop. */
  readonly closed: boolean;
  /** Undefined when no head could be read. */
  readonly head: JournalHead | undefined;
  readonly leases: readonly JournalLease[];
  /** Attempts that have no settlement: they may have cost up to what they hold. */
  readonly open: readonly JournalReserve[];
  /** Usage events that are not known to be on the spool's disk, in order. */
  readonly events: readonly JournalEvent[];
  readonly lastEventSeq: number;
};

/** A file of the journal: `<number>.journal`. */
export type JournalFile = { readonly path: string; readonly number: number };

export function journalFiles(folder: string): JournalFile[] {
  const found: JournalFile[] = [];
  for (const file of readdirSync(folder)) {
    const [, number] = /^(\d{15})\.journal$/.exec(file) ?? [];
    if (number !== undefined) found.push({ path: join(folder, file), number: Number(number) });
  }
  return found.sort((a, b) => a.number - b.number);
}

export function journalFileOf(folder: string, number: number): JournalFile {
  return { path: join(folder, `${String(number).padStart(15, "0")}.journal`), number };
}

type Numbered = { readonly sequence: number; readonly record: JournalHead | JournalBase | JournalRecord };
type Segment = { readonly records: readonly Numbered[]; readonly flaws: readonly string[] };

/** Undefined when there is no journal. */
export function recover(input: { folder: string; bootId: string; owner: string }): Recovered | undefined {
  const segments = journalFiles(input.folder).map(readSegment).filter(isPart);
  if (segments.length === 0) return undefined;

  // What is older than the last state that was written whole is in that state.
  const from = Math.max(0, segments.findLastIndex(hasBase));
  const used = segments.slice(from);
  const records = used.flatMap((segment) => segment.records);
  const flaws = used.flatMap((segment) => segment.flaws);
  if (!hasBase(segments[from])) flaws.push("its beginning is missing");

  const state = new JournalState();
  let head: JournalHead | undefined;
  let disordered = false;
  let last = (records[0]?.sequence ?? 0) - 1;
  for (const { sequence, record } of records) {
    if (sequence !== last + 1 && !disordered) flaws.push(`number ${sequence} follows ${last}`);
    disordered ||= sequence !== last + 1;
    // A number that was seen already: charged twice would be made up.
    if (sequence <= last) continue;
    last = sequence;
    if (record.kind === "head") head = record;
    else state.apply(record);
  }
  const closed = records.at(-1)?.record.kind === "close";
  if (head === undefined) flaws.push("it does not say whose it is");
  else if (head.format !== journalFormat) flaws.push(`it has format ${head.format}, not ${journalFormat}`);
  else if (head.owner !== input.owner) flaws.push(`it belongs to ${JSON.stringify(head.owner)}`);
  else if (head.bootId !== input.bootId && !closed) flaws.push("the machine was restarted since");

  return {
    complete: flaws.length === 0,
    flaws,
    closed,
    head,
    leases: [...state.leases],
    open: [...state.open],
    events: state.events,
    lastEventSeq: state.lastEventSeq,
  };
}

function readSegment({ path, number }: JournalFile): Segment {
  const flaws: string[] = [];
  const records: Numbered[] = [];
  try {
    const { frames, damaged } = scanFrames(readFileSync(path));
    if (damaged) flaws.push(`file ${number} is damaged`);
    for (const { sequence, text } of frames) records.push({ sequence, record: readRecord(text) });
  } catch (error) {
    flaws.push(`file ${number} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { records, flaws };
}

/** A file that is whole but has no base yet is a beginning that was cut off: nothing was acted on from it. */
function isPart(segment: Segment): boolean {
  return hasBase(segment) || segment.flaws.length > 0 || segment.records.some(({ record }) => !isOpening(record));
}

function hasBase(segment: Segment | undefined): boolean {
  return segment?.records.some(({ record }) => record.kind === "base") ?? false;
}

/** What a segment's state is told with, before its base. */
function isOpening({ kind }: Numbered["record"]): boolean {
  return kind === "head" || kind === "grant" || kind === "reserve" || kind === "event";
}
