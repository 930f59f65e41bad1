/**
 * From disk over the bus: what lies in the spool's files, of this instance and of earlier ones, in order and again until the
 * ledger confirms it. Only then a file is deleted.
 */

import { type Bus, ledgerWatermark } from "@sluice/contract";
import type { Log } from "../log.ts";
import { deleteSegment, listSegments, readLines, type Segment } from "./segments.ts";
import type { Appended } from "./spool-writer.ts";

const batchBytesMax = 256 * 1024;
/** Batches under way that the ledger has not confirmed. */
const batchesInFlightMax = 2;
/** Unconfirmed for this long, a batch is sent again. */
const resendAfterMs = 10_000;

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

export type SpoolSenderInput = {
  readonly folder: string;
  readonly instance: string;
  readonly bus: Bus;
  readonly log: Log;
  /** Files were deleted: the disk has more room. */
  readonly onForgotten: () => void;
};

export class SpoolSender implements AsyncDisposable {
  readonly #input: SpoolSenderInput;
  readonly #outboxes = new Map<string, Outbox>();
  #diskBytes = 0;
  #sending: Promise<void> | undefined;
  /** Something came up while a sending was under way. */
  #sendAgain = false;
  #resendTimer: NodeJS.Timeout | undefined;
  #watch: AsyncDisposable | undefined;
  #closed = false;

  constructor(input: SpoolSenderInput) {
    this.#input = input;
  }

  /** Of all files. */
  get diskBytes(): number {
    return this.#diskBytes;
  }

  async start(): Promise<void> {
    for (const { segment, bytes } of await listSegments(this.#input.folder)) {
      this.#outbox(segment.instance).parts.push(partOf(segment, bytes, true));
      this.#diskBytes += bytes;
    }
    this.#watch = await this.#input.bus.bucket("ledger").watch((event) => {
      if (event.kind === "put") this.#confirm(event.entry.key, event.entry.value);
    });
    this.#resendTimer = setInterval(() => this.#resend(), resendAfterMs / 2);
    this.#resendTimer.unref();
    this.send();
  }

  /** Lines of this instance are on disk. */
  appended({ segment, lines, count }: Appended): void {
    const outbox = this.#outbox(this.#input.instance);
    let part = outbox.parts.at(-1);
    const caughtUp = this.#sending === undefined && outbox.parts.every((one) => one.sentBytes === one.bytes);
    if (part?.segment !== segment) {
      part = partOf(segment, 0, false);
      outbox.parts.push(part);
    }
    part.bytes += lines.length;
    this.#diskBytes += lines.length;
    // With nothing before them these need not be read back from the file.
    const direct = caughtUp && lines.length <= batchBytesMax && outbox.inFlight.length < batchesInFlightMax;
    const written = part;
    if (direct) this.#dispatch(() => this.#publish(outbox, sent(written, lines, count)));
    else this.send();
  }

  segmentClosed(segment: Segment): void {
    const part = this.#outbox(this.#input.instance).parts.find((one) => one.segment === segment);
    if (part !== undefined) part.closed = true;
  }

  confirmedSeq(instance: string): number {
    return this.#outboxes.get(instance)?.confirmedSeq ?? 0;
  }

  send(): void {
    this.#dispatch(() => this.#sendAll());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#resendTimer);
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#sending;
    await Promise.all([...this.#outboxes.values()].map((outbox) => this.#forget(outbox)));
  }

  /** One at a time: order is kept. */
  #dispatch(sending: () => Promise<void>): void {
    if (this.#closed) return;
    if (this.#sending !== undefined) {
      this.#sendAgain = true;
      return;
    }
    this.#sending = sending()
      .catch((error: unknown) => this.#input.log.error("usage events could not be sent, trying again", { error }))
      .finally(() => {
        this.#sending = undefined;
        if (!this.#sendAgain) return;
        this.#sendAgain = false;
        this.send();
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
    await this.#input.bus.stream("usage").publish({ id, value: batch.lines });
  }

  async #nextBatch(outbox: Outbox): Promise<Batch | undefined> {
    for (const part of outbox.parts) {
      if (part.sentBytes >= part.bytes) continue;
      const lines = await readLines(part.segment, part.sentBytes, batchBytesMax);
      if (lines.length > 0) return sent(part, lines, countLines(lines));
      if (!part.closed) return undefined;
      // The torn last line of a process that was killed: it was never whole, so it is no event.
      this.#diskBytes -= part.bytes - part.sentBytes;
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
    if (outbox.parts.length > 1 || outbox.parts.some((part) => part.sentBytes < part.bytes || part.closed)) this.send();
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
    this.send();
  }

  async #forget(outbox: Outbox): Promise<void> {
    for (;;) {
      const [part] = outbox.parts;
      if (part === undefined) {
        if (outbox.instance !== this.#input.instance) this.#outboxes.delete(outbox.instance);
        return;
      }
      const done = part.sentBytes >= part.bytes && part.sentSeq <= outbox.confirmedSeq;
      if (!done || (!part.closed && !this.#closed)) return;
      outbox.parts.shift();
      await deleteSegment(part.segment);
      this.#diskBytes -= part.bytes;
      this.#input.onForgotten();
    }
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
