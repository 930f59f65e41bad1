/**
 * Usage events on their way to the record: from memory to a file within 20 ms, from there over the bus, forgotten only when
 * the ledger has them. Nothing here holds up an answer. Files that an earlier start left behind are sent first.
 */

import type { FileHandle } from "node:fs/promises";
import { type Bus, ledgerWatermark } from "@sluice/contract";
import type { Log } from "../log.ts";
import { createSegment, deleteSegment, listSegments, readLines, type Segment, segmentOf } from "./segments.ts";

const writeAfterMs = 20;
const segmentBytesMax = 4 * 1024 * 1024;
const batchBytesMax = 256 * 1024;
/** Batches under way that the ledger has not confirmed. */
const batchesInFlightMax = 2;
/** Unconfirmed for this long, a batch is sent again. */
const resendAfterMs = 10_000;
/** Lines in memory while the disk refuses them. */
const pendingBytesMax = 16 * 1024 * 1024;
const retryWriteMs = 1_000;

/** A file, and how far it was sent. `closed`: nothing more is written to it. */
type Part = { readonly segment: Segment; bytes: number; sentBytes: number; sentSeq: number; closed: boolean };
/** Whole lines on their way, and the numbers of the first and last event in them. */
type Batch = { readonly lines: Buffer; readonly firstSeq: number; readonly lastSeq: number };
/** What is to be sent of one instance: ours, or one of an earlier start. */
type Outbox = {
  readonly instance: string;
  readonly parts: Part[];
  confirmedSeq: number;
  /** Last number of each batch under way. */
  inFlight: { lastSeq: number; sentAt: number }[];
  resends: number;
};

export class UsageSpool implements AsyncDisposable {
  readonly #folder: string;
  readonly #instance: string;
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #outboxes = new Map<string, Outbox>();
  readonly #lineStart: string;
  #seq = 0;
  #lines: string[] = [];
  #lineBytes = 0;
  #lost = 0;
  #file: FileHandle | undefined;
  /** A write has failed half-way: what lies beyond the last whole batch is cut off before the next. */
  #torn = false;
  #writeTimer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #sending: Promise<void> | undefined;
  /** Something came up while a sending was under way. */
  #sendAgain = false;
  #resendTimer: NodeJS.Timeout | undefined;
  #watch: AsyncDisposable | undefined;
  #closed = false;

  constructor(input: { folder: string; instance: string; bus: Bus; log: Log }) {
    this.#folder = input.folder;
    this.#instance = input.instance;
    this.#lineStart = `{"instance":"${input.instance}","seq":`;
    this.#bus = input.bus;
    this.#log = input.log;
  }

  async start(): Promise<void> {
    for (const { segment, bytes } of await listSegments(this.#folder)) {
      this.#outbox(segment.instance).parts.push(partOf(segment, bytes, true));
    }
    this.#watch = await this.#bus.bucket("ledger").watch((event) => {
      if (event.kind === "put") this.#confirm(event.entry.key, event.entry.value);
    });
    this.#resendTimer = setInterval(() => this.#resend(), resendAfterMs / 2);
    this.#resendTimer.unref();
    this.#send();
  }

  /** Numbers and keeps an event, given as the JSON of its other members. Never throws and never waits. */
  record(members: string): void {
    const line = `${this.#lineStart}${this.#seq + 1},${members}}\n`;
    if (this.#lineBytes + line.length > pendingBytesMax) {
      if (this.#lost++ === 0)
        this.#log.error("usage events are lost: the spool's disk takes no more", { folder: this.#folder });
      return;
    }
    this.#seq++;
    this.#lines.push(line);
    this.#lineBytes += line.length;
    this.#writeTimer ??= setTimeout(() => this.#write(), writeAfterMs);
  }

  /** Writes what is in memory, and gives the ledger up to `waitMs` to take what is on disk; the rest waits for the next start. */
  async close(waitMs: number): Promise<void> {
    this.#write();
    await this.#writing;
    const until = performance.now() + waitMs;
    while (this.#unconfirmed() && performance.now() < until) {
      this.#send();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#writeTimer);
    clearInterval(this.#resendTimer);
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#writing;
    await this.#sending;
    await this.#file?.close();
    await Promise.all([...this.#outboxes.values()].map((outbox) => this.#forget(outbox)));
  }

  #write(): void {
    clearTimeout(this.#writeTimer);
    this.#writeTimer = undefined;
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    const bytes = this.#lineBytes;
    const firstSeq = this.#seq - lines.length + 1;
    this.#lines = [];
    this.#lineBytes = 0;
    const append = () => this.#append(Buffer.from(lines.join("")), { firstSeq, count: lines.length });
    this.#writing = this.#writing.then(append).catch((error: unknown) => {
      // Back to the front: order and numbers stay.
      this.#torn = true;
      this.#lines = [...lines, ...this.#lines];
      this.#lineBytes += bytes;
      this.#log.error("usage events could not be written to the spool, trying again", { folder: this.#folder, error });
      if (!this.#closed) this.#writeTimer ??= setTimeout(() => this.#write(), retryWriteMs);
    });
  }

  async #append(lines: Buffer, events: { firstSeq: number; count: number }): Promise<void> {
    const outbox = this.#outbox(this.#instance);
    let part = outbox.parts.at(-1);
    if (this.#file === undefined || part === undefined) {
      part = partOf(segmentOf(this.#folder, this.#instance, events.firstSeq), 0, false);
      this.#file = await createSegment(part.segment);
      outbox.parts.push(part);
    }
    if (this.#torn) await this.#file.truncate(part.bytes);
    this.#torn = false;
    await this.#file.appendFile(lines);
    const caughtUp = this.#sending === undefined && outbox.parts.every((one) => one.sentBytes === one.bytes);
    part.bytes += lines.length;
    if (part.bytes >= segmentBytesMax) {
      part.closed = true;
      const file = this.#file;
      this.#file = undefined;
      await file.close();
    }
    // With nothing before them these need not be read back from the file.
    const direct = caughtUp && lines.length <= batchBytesMax && outbox.inFlight.length < batchesInFlightMax;
    if (direct) this.#dispatch(() => this.#publish(outbox, sent(part, lines, events.count)));
    else this.#send();
  }

  #send(): void {
    this.#dispatch(() => this.#sendAll());
  }

  /** One at a time: order is kept. */
  #dispatch(sending: () => Promise<void>): void {
    if (this.#closed) return;
    if (this.#sending !== undefined) {
      this.#sendAgain = true;
      return;
    }
    this.#sending = sending()
      .catch((error: unknown) => this.#log.error("usage events could not be sent, trying again", { error }))
      .finally(() => {
        this.#sending = undefined;
        if (!this.#sendAgain) return;
        this.#sendAgain = false;
        this.#send();
      });
  }

  async #sendAll(): Promise<void> {
    for (const outbox of this.#outboxes.values()) {
      while (outbox.inFlight.length < batchesInFlightMax) {
        const batch = await this.#nextBatch(outbox);
        if (batch === undefined) break;
        await this.#publish(outbox, batch);
      }
      await this.#forget(outbox);
    }
  }

  async #publish(outbox: Outbox, batch: Batch): Promise<void> {
    outbox.inFlight.push({ lastSeq: batch.lastSeq, sentAt: performance.now() });
    const id = `${outbox.instance}.${batch.firstSeq}.${outbox.resends}`;
    await this.#bus.stream("usage").publish({ id, value: batch.lines });
  }

  async #nextBatch(outbox: Outbox): Promise<Batch | undefined> {
    for (const part of outbox.parts) {
      if (part.sentBytes >= part.bytes) continue;
      const lines = await readLines(part.segment, part.sentBytes, batchBytesMax);
      if (lines.length > 0) return sent(part, lines, countLines(lines));
      if (!part.closed) return undefined;
      // The torn last line of a process that was killed: it was never whole, so it is no event.
      part.bytes = part.sentBytes;
    }
    return undefined;
  }

  #confirm(instance: string, value: Uint8Array): void {
    const outbox = this.#outboxes.get(instance);
    if (outbox === undefined) return;
    const watermark = ledgerWatermark.safeParse(JSON.parse(Buffer.from(value).toString("utf8")));
    if (!watermark.success || watermark.data.seq <= outbox.confirmedSeq) return;
    outbox.confirmedSeq = watermark.data.seq;
    outbox.inFlight = outbox.inFlight.filter((batch) => batch.lastSeq > outbox.confirmedSeq);
    if (outbox.parts.length > 1 || outbox.parts.some((part) => part.sentBytes < part.bytes || part.closed))
      this.#send();
  }

  /** A batch that the ledger never confirmed: the bus may have lost it. From the first that is unconfirmed; the ledger drops doubles. */
  #resend(): void {
    const now = performance.now();
    for (const outbox of this.#outboxes.values()) {
      const [oldest] = outbox.inFlight;
      if (oldest === undefined || now - oldest.sentAt < resendAfterMs) continue;
      outbox.inFlight = [];
      outbox.resends++;
      for (const part of outbox.parts) {
        part.sentBytes = 0;
        part.sentSeq = part.segment.firstSeq - 1;
      }
    }
    this.#send();
  }

  async #forget(outbox: Outbox): Promise<void> {
    for (;;) {
      const [part] = outbox.parts;
      if (part === undefined) {
        if (outbox.instance !== this.#instance) this.#outboxes.delete(outbox.instance);
        return;
      }
      const done = part.sentBytes >= part.bytes && part.sentSeq <= outbox.confirmedSeq;
      if (!done || (!part.closed && !this.#closed)) return;
      outbox.parts.shift();
      await deleteSegment(part.segment);
    }
  }

  #unconfirmed(): boolean {
    const outbox = this.#outboxes.get(this.#instance);
    return outbox !== undefined && outbox.confirmedSeq < this.#seq;
  }

  #outbox(instance: string): Outbox {
    let outbox = this.#outboxes.get(instance);
    if (outbox === undefined) {
      outbox = { instance, parts: [], confirmedSeq: 0, inFlight: [], resends: 0 };
      this.#outboxes.set(instance, outbox);
    }
    return outbox;
  }
}

function partOf(segment: Segment, bytes: number, closed: boolean): Part {
  return { segment, bytes, sentBytes: 0, sentSeq: segment.firstSeq - 1, closed };
}

function sent(part: Part, lines: Buffer, count: number): Batch {
  const firstSeq = part.sentSeq + 1;
  part.sentBytes += lines.length;
  part.sentSeq += count;
  return { lines, firstSeq, lastSeq: part.sentSeq };
}

function countLines(lines: Buffer): number {
  let count = 0;
  for (let at = lines.indexOf(0x0a); at >= 0; at = lines.indexOf(0x0a, at + 1)) count++;
  return count;
}
