/**
 * Usage events on their way to the record: from memory to a file within 20 ms, from the file over the bus, forgotten only when
 * the ledger has them. Nothing here holds up an answer. Files that an earlier start left behind are sent first.
 */

import type { FileHandle } from "node:fs/promises";
import { type Bus, ledgerWatermark } from "@sluice/contract";
import type { Log } from "../log.ts";
import type { Settled } from "../pipeline/settle.ts";
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

/** What is to be sent of one instance: ours, or one of an earlier start. */
type Outbox = {
  readonly instance: string;
  readonly segments: { segment: Segment; sentBytes: number; sentSeq: number; closed: boolean }[];
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
  #seq = 0;
  #lines: string[] = [];
  #lineBytes = 0;
  #lost = 0;
  #file: FileHandle | undefined;
  #fileBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #sending: Promise<void> | undefined;
  #resendTimer: NodeJS.Timeout | undefined;
  #watch: AsyncDisposable | undefined;
  #closed = false;

  constructor(input: { folder: string; instance: string; bus: Bus; log: Log }) {
    this.#folder = input.folder;
    this.#instance = input.instance;
    this.#bus = input.bus;
    this.#log = input.log;
  }

  async start(): Promise<void> {
    for (const segment of await listSegments(this.#folder)) {
      this.#outbox(segment.instance).segments.push({
        segment,
        sentBytes: 0,
        sentSeq: segment.firstSeq - 1,
        closed: true,
      });
    }
    this.#watch = await this.#bus.bucket("ledger").watch((event) => {
      if (event.kind === "put") this.#confirm(event.entry.key, event.entry.value);
    });
    this.#resendTimer = setInterval(() => this.#resend(), resendAfterMs / 2);
    this.#resendTimer.unref();
    this.#send();
  }

  /** Keeps an event. Never throws and never waits. */
  record(settled: Settled): void {
    const line = `${JSON.stringify({ instance: this.#instance, seq: this.#seq + 1, ...settled })}\n`;
    if (this.#lineBytes + line.length > pendingBytesMax) {
      if (this.#lost++ === 0)
        this.#log.error("usage events are lost: the spool's disk takes no more", { folder: this.#folder });
      return;
    }
    this.#seq++;
    this.#lines.push(line);
    this.#lineBytes += line.length;
    this.#timer ??= setTimeout(() => this.#write(), writeAfterMs);
  }

  /** Events that were settled and could not be kept. */
  get lost(): number {
    return this.#lost;
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
    clearTimeout(this.#timer);
    clearInterval(this.#resendTimer);
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#writing;
    await this.#sending;
    await this.#file?.close();
    await Promise.all([...this.#outboxes.values()].map((outbox) => this.#forget(outbox)));
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    const bytes = this.#lineBytes;
    const firstSeq = this.#seq - lines.length + 1;
    this.#lines = [];
    this.#lineBytes = 0;
    this.#writing = this.#writing
      .then(() => this.#append(lines.join(""), firstSeq))
      .then(
        () => this.#send(),
        (error: unknown) => {
          // Back to the front: order and numbers stay.
          this.#lines = [...lines, ...this.#lines];
          this.#lineBytes += bytes;
          this.#log.error("usage events could not be written to the spool, trying again", {
            folder: this.#folder,
            error,
          });
          if (!this.#closed) this.#timer ??= setTimeout(() => this.#write(), retryWriteMs);
        },
      );
  }

  async #append(text: string, firstSeq: number): Promise<void> {
    const outbox = this.#outbox(this.#instance);
    if (this.#file === undefined) {
      const segment = segmentOf(this.#folder, this.#instance, firstSeq);
      this.#file = await createSegment(segment);
      this.#fileBytes = 0;
      outbox.segments.push({ segment, sentBytes: 0, sentSeq: firstSeq - 1, closed: false });
    }
    const bytes = Buffer.from(text);
    // A write that failed half-way leaves a torn line, so whole batches go back to where the last whole one ended.
    await this.#file.truncate(this.#fileBytes);
    await this.#file.appendFile(bytes);
    this.#fileBytes += bytes.length;
    if (this.#fileBytes < segmentBytesMax) return;
    await this.#file.close();
    this.#file = undefined;
    const last = outbox.segments.at(-1);
    if (last !== undefined) last.closed = true;
  }

  #send(): void {
    if (this.#sending !== undefined || this.#closed) return;
    this.#sending = this.#sendAll()
      .catch((error: unknown) => this.#log.error("usage events could not be sent, trying again", { error }))
      .finally(() => {
        this.#sending = undefined;
      });
  }

  async #sendAll(): Promise<void> {
    const stream = this.#bus.stream("usage");
    for (const outbox of this.#outboxes.values()) {
      while (outbox.inFlight.length < batchesInFlightMax) {
        const batch = await this.#nextBatch(outbox);
        if (batch === undefined) break;
        const id = `${outbox.instance}.${batch.firstSeq}.${outbox.resends}`;
        outbox.inFlight.push({ lastSeq: batch.lastSeq, sentAt: performance.now() });
        await stream.publish({ id, value: batch.lines });
      }
      await this.#forget(outbox);
    }
  }

  async #nextBatch(outbox: Outbox) {
    for (const part of outbox.segments) {
      const lines = await readLines(part.segment, part.sentBytes, batchBytesMax);
      if (lines.length === 0) {
        if (part.closed) continue;
        return undefined;
      }
      const count = countLines(lines);
      const firstSeq = part.sentSeq + 1;
      part.sentBytes += lines.length;
      part.sentSeq += count;
      return { lines, firstSeq, lastSeq: part.sentSeq };
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
    this.#send();
  }

  /** A batch that the ledger never confirmed: the bus may have lost it. From the start of what is unconfirmed; the ledger drops doubles. */
  #resend(): void {
    const now = performance.now();
    for (const outbox of this.#outboxes.values()) {
      const [oldest] = outbox.inFlight;
      if (oldest === undefined || now - oldest.sentAt < resendAfterMs) continue;
      outbox.inFlight = [];
      outbox.resends++;
      for (const part of outbox.segments) {
        part.sentBytes = 0;
        part.sentSeq = part.segment.firstSeq - 1;
      }
    }
    this.#send();
  }

  async #forget(outbox: Outbox): Promise<void> {
    while (true) {
      const [part] = outbox.segments;
      if (part === undefined) {
        if (outbox.instance !== this.#instance) this.#outboxes.delete(outbox.instance);
        return;
      }
      const done =
        part.sentSeq <= outbox.confirmedSeq &&
        (await readLines(part.segment, part.sentBytes, batchBytesMax)).length === 0;
      if (!done || (!part.closed && !this.#closed)) return;
      outbox.segments.shift();
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
      outbox = { instance, segments: [], confirmedSeq: 0, inFlight: [], resends: 0 };
      this.#outboxes.set(instance, outbox);
    }
    return outbox;
  }
}

function countLines(lines: Buffer): number {
  let count = 0;
  for (let at = lines.indexOf(0x0a); at >= 0; at = lines.indexOf(0x0a, at + 1)) count++;
  return count;
}
