/**
 * Usage events on their way to the record: from memory to a file within 20 ms (`spool-writer.ts`), from there over the bus,
 * forgotten only when the ledger has them (`spool-sender.ts`). Nothing here holds up an answer, and no event is dropped: where the
 * disk runs full, events are folded into sums. Files that an earlier start left behind are sent first.
 */

import type { Bus } from "@sluice/contract";
import type { Log } from "../log.ts";
import { type NumberedEvent, recoverEvents } from "./recover-events.ts";
import { SpoolSender } from "./spool-sender.ts";
import { type SpoolState, SpoolWriter } from "./spool-writer.ts";

export type UsageSpoolInput = {
  readonly folder: string;
  readonly instance: string;
  readonly bus: Bus;
  readonly log: Log;
  /** Of the folder. From 80 % on, events are folded. */
  readonly bytesMax?: number;
  /** How long events wait for others to be folded with. */
  readonly foldAfterMs?: number;
  /** Events up to this number are on disk: a killed process does not lose them. */
  readonly onWritten?: (seq: number) => void;
  /** Events from this number on, none of them on disk, are these from now on. Throws where that can't be kept: then they stay. */
  readonly onFolded?: (fromSeq: number, events: readonly NumberedEvent[]) => void;
};

const bytesMaxDefault = 512 * 1024 * 1024;
const foldAfterMsDefault = 5_000;

export class UsageSpool implements AsyncDisposable {
  readonly #folder: string;
  readonly #instance: string;
  readonly #writer: SpoolWriter;
  readonly #sender: SpoolSender;
  #started = false;
  #closed = false;

  constructor(input: UsageSpoolInput) {
    const { folder, instance, bus, log } = input;
    this.#folder = folder;
    this.#instance = instance;
    this.#sender = new SpoolSender({ folder, instance, bus, log, onForgotten: () => this.#writer.wake() });
    this.#writer = new SpoolWriter({
      ...{ folder, instance, log },
      bytesMax: input.bytesMax ?? bytesMaxDefault,
      foldAfterMs: input.foldAfterMs ?? foldAfterMsDefault,
      diskBytes: () => this.#sender.diskBytes,
      onAppended: (appended) => {
        this.#sender.appended(appended);
        input.onWritten?.(appended.lastSeq);
      },
      onSegmentClosed: (segment) => this.#sender.segmentClosed(segment),
      onFolded: (fromSeq, events) => input.onFolded?.(fromSeq, events),
    });
  }

  /** Before `start`: what a killed process's journal has of its events beyond its files. Doing it twice adds nothing. */
  async recoverInto(instance: string, events: readonly NumberedEvent[]): Promise<void> {
    if (this.#started) throw new Error("Events are recovered before the spool starts.");
    await recoverEvents({ folder: this.#folder, instance, events });
  }

  async start(): Promise<void> {
    this.#started = true;
    await this.#sender.start();
  }

  /** The number that the next event gets. */
  get nextSeq(): number {
    return this.#writer.nextSeq;
  }

  /** `folding` from 80 % of the bound on, or while the disk refuses; `full` where nothing more goes to it. */
  get state(): SpoolState {
    return this.#writer.state;
  }

  get diskBytes(): number {
    return this.#sender.diskBytes;
  }

  /** Numbers and keeps an event, given as the JSON of its other members. Never throws and never waits. */
  record(members: string): number {
    return this.#writer.record(members);
  }

  /** Writes what is in memory, and gives the ledger up to `waitMs` to take what is on disk; the rest waits for the next start. */
  async close(waitMs: number): Promise<void> {
    await this.#writer.flush();
    const until = performance.now() + waitMs;
    while (this.#sender.confirmedSeq(this.#instance) < this.nextSeq - 1 && performance.now() < until) {
      this.#sender.send();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer.close();
    await this.#sender[Symbol.asyncDispose]();
  }
}
