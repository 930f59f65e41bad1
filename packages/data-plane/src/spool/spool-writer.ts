/**
 * From memory to disk: numbers usage events in the order in which they come and appends them to a file within 20 ms. Where the
 * disk has little room they stay in memory for some seconds and go as sums; where it has none they stay as sums.
 */

import type { FileHandle } from "node:fs/promises";
import type { Log } from "../log.ts";
import { foldEvents } from "./fold-events.ts";
import { createSegment, type Segment, segmentOf } from "./segments.ts";

/** `folding`: events are folded into sums. `full`: the disk takes nothing more, sums stay in memory. */
export type SpoolState = "ok" | "folding" | "full";

export type Appended = {
  readonly segment: Segment;
  readonly lines: Buffer;
  readonly count: number;
  readonly lastSeq: number;
};

export type SpoolWriterInput = {
  readonly folder: string;
  readonly instance: string;
  readonly log: Log;
  /** Of all files in the folder. */
  readonly bytesMax: number;
  readonly foldAfterMs: number;
  readonly diskBytes: () => number;
  readonly onAppended: (appended: Appended) => void;
  /** Nothing more is written to it. */
  readonly onSegmentClosed: (segment: Segment) => void;
  /** Events from this number on, none of them on disk, are these from now on. May throw: then they stay as they are. */
  readonly onFolded: (fromSeq: number, events: readonly { seq: number; members: string }[]) => void;
};

const writeAfterMs = 20;
const retryMs = 1_000;
/** Of the disk's bound. */
const foldingFrom = 0.8;
const writeBytesMax = 1024 * 1024;
/** At once after a failed write; doubled by each that succeeds. What little room there is, is used. */
const writeBytesMin = 64 * 1024;
const segmentBytesMax = 4 * 1024 * 1024;
/** Folded at once beyond this, or twice what the last folding left: some 500 events, a few milliseconds. */
const foldBytes = 512 * 1024;
/** Folded beyond this whatever the disk does. */
const pendingBytesMax = 16 * 1024 * 1024;

export class SpoolWriter {
  readonly #input: SpoolWriterInput;
  readonly #lineStart: string;
  /** Members of events in memory: those that a write is under way for, and those after them. */
  #writing: string[] = [];
  #pending: string[] = [];
  #pendingBytes = 0;
  #writeBytes = writeBytesMax;
  #foldAtBytes = foldBytes;
  #diskSeq = 0;
  #file: FileHandle | undefined;
  #segment: Segment | undefined;
  #segmentBytes = 0;
  /** The last write failed; half of it may lie beyond `#segmentBytes`. */
  #failing = false;
  /** It has failed until memory had to be saved. */
  #overflowing = false;
  #timer: NodeJS.Timeout | undefined;
  #write: Promise<boolean> | undefined;
  #closed = false;
  #stateTold: SpoolState = "ok";

  constructor(input: SpoolWriterInput) {
    this.#input = input;
    this.#lineStart = `{"instance":"${input.instance}","seq":`;
  }

  get nextSeq(): number {
    return this.#diskSeq + this.#writing.length + this.#pending.length + 1;
  }

  get state(): SpoolState {
    const { bytesMax } = this.#input;
    const bytes = this.#input.diskBytes();
    if (bytes >= bytesMax || this.#overflowing) return "full";
    return bytes >= foldingFrom * bytesMax || this.#failing ? "folding" : "ok";
  }

  /** Never throws and never waits. Answers the event's number. */
  record(members: string): number {
    const seq = this.nextSeq;
    this.#pending.push(members);
    this.#pendingBytes += members.length;
    if (this.#pendingBytes >= foldBytes && this.#pendingBytes >= this.#foldFrom()) this.#fold();
    this.#schedule();
    return seq;
  }

  /** The disk may have room again. */
  wake(): void {
    if (this.#pending.length === 0 || this.#stateTold === "ok") return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#schedule();
  }

  /** Writes all that is in memory, whatever the bound says, until the disk refuses twice in a row. */
  async flush(): Promise<void> {
    await this.#write;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let failures = 0;
    while (this.#pending.length > 0 && failures < 2) {
      failures = (await (this.#write ?? this.#append(Number.MAX_SAFE_INTEGER))) ? 0 : failures + 1;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#write;
    await this.#file?.close();
    this.#file = undefined;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#write !== undefined || this.#closed || this.#pending.length === 0) return;
    const waitMs = { ok: writeAfterMs, folding: this.#failing ? retryMs : this.#input.foldAfterMs, full: retryMs };
    this.#timer = setTimeout(() => this.#turn(), waitMs[this.#tellState()]);
  }

  #turn(): void {
    this.#timer = undefined;
    if (this.#write !== undefined) return; // its end schedules the next
    const state = this.#tellState();
    if (state !== "ok" && !this.#failing && this.#pending.length > 1) this.#fold();
    // A disk that refuses is asked again; one that has reached its bound is not.
    if (state === "full" && !this.#failing) this.#schedule();
    else void this.#append();
  }

  #foldFrom(): number {
    // A disk that is well is only slow.
    return this.state === "ok" ? Math.max(pendingBytesMax, this.#foldAtBytes) : this.#foldAtBytes;
  }

  /** Those that no write is under way for. */
  #fold(): void {
    this.#overflowing ||= this.#failing;
    const { log, folder, onFolded } = this.#input;
    const fromSeq = this.nextSeq - this.#pending.length;
    const sums = foldEvents(this.#pending);
    const bytes = sums.reduce((sum, members) => sum + members.length, 0);
    if (sums.length < this.#pending.length) {
      try {
        onFolded(
          fromSeq,
          sums.map((members, index) => ({ seq: fromSeq + index, members })),
        );
      } catch (error) {
        this.#foldAtBytes = 2 * this.#pendingBytes;
        if (this.#pendingBytes < pendingBytesMax) return;
        // Rather told twice after a kill than all memory taken.
        log.error("usage events were folded without a trace in the journal", { folder, error });
      }
      log.debug("usage events were folded into sums", { folder, events: this.#pending.length, sums: sums.length });
      this.#pending = sums;
      this.#pendingBytes = bytes;
    }
    this.#foldAtBytes = Math.max(foldBytes, 2 * bytes);
  }

  /** One at a time: numbers are in the order of the lines. Answers whether it was written. */
  #append(roomBytes = this.#roomBytes()): Promise<boolean> {
    const bytes = this.#take(Math.min(roomBytes, this.#writeBytes));
    const writing = this.#appendLines(this.#writing).then(
      () => true,
      (error: unknown) => {
        // Back to the front: order and numbers stay.
        this.#pending = this.#writing.concat(this.#pending);
        this.#pendingBytes += bytes;
        this.#writing = [];
        this.#failing = true;
        this.#writeBytes = writeBytesMin;
        const { folder, log } = this.#input;
        log.error("usage events could not be written to the spool, trying again", { folder, error });
        return false;
      },
    );
    this.#write = writing.finally(() => {
      this.#write = undefined;
      this.#schedule();
    });
    return this.#write;
  }

  /** To the next thing that changes what is written. */
  #roomBytes(): number {
    const { bytesMax, diskBytes } = this.#input;
    return (this.state === "ok" ? foldingFrom * bytesMax : bytesMax) - diskBytes();
  }

  /** The first event, and those after it that a write of this size takes; answers their size. */
  #take(bytesMax: number): number {
    let bytes = 0;
    let count = 0;
    while (count < this.#pending.length && (count === 0 || bytes < bytesMax))
      bytes += this.#pending[count++]?.length ?? 0;
    this.#writing = this.#pending.splice(0, count);
    this.#pendingBytes -= bytes;
    return bytes;
  }

  async #appendLines(events: readonly string[]): Promise<void> {
    const { folder, instance, bytesMax, log, onAppended } = this.#input;
    let seq = this.#diskSeq;
    let text = "";
    for (const members of events) text += `${this.#lineStart}${++seq},${members}}\n`;
    const lines = Buffer.from(text);
    // What a failed write left is cut off. Another file may have room where this one has not.
    if (this.#failing) await this.#file?.truncate(this.#segmentBytes);
    if (this.#failing && this.#segmentBytes > 0) await this.#endSegment();
    this.#segment ??= segmentOf(folder, instance, this.#diskSeq + 1);
    this.#file ??= await createSegment(this.#segment);
    await this.#file.appendFile(lines);

    this.#segmentBytes += lines.length;
    this.#diskSeq = seq;
    this.#writing = [];
    if (this.#failing) log.info("usage events are written again", { folder });
    this.#failing = false;
    this.#overflowing = false;
    this.#writeBytes = Math.min(2 * this.#writeBytes, writeBytesMax);
    try {
      onAppended({ segment: this.#segment, lines, count: events.length, lastSeq: seq });
    } catch (error) {
      log.error("usage events were written, and their next step failed", { folder, error });
    }
    if (this.#segmentBytes >= Math.min(segmentBytesMax, bytesMax / 8)) await this.#endSegment();
  }

  async #endSegment(): Promise<void> {
    const file = this.#file;
    if (this.#segment !== undefined) this.#input.onSegmentClosed(this.#segment);
    this.#file = undefined;
    this.#segment = undefined;
    this.#segmentBytes = 0;
    await file?.close().catch((error: unknown) => {
      this.#input.log.warn("a file of the spool could not be closed", { folder: this.#input.folder, error });
    });
  }

  #tellState(): SpoolState {
    const state = this.state;
    const { log, folder, bytesMax } = this.#input;
    if (state !== this.#stateTold) {
      const fields = { folder, state, bytes: this.#input.diskBytes(), bytesMax };
      if (state === "ok") log.info("the usage spool has room again", fields);
      else log.warn("the usage spool runs full: is the control plane away?", fields);
    }
    this.#stateTold = state;
    return state;
  }
}
