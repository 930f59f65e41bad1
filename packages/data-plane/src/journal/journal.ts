/**
 * Journal: what a data plane must not forget when it is killed. Each record is one write into the page cache, before the act that
 * it tells of; no fsync, since only the machine's own end loses pages, and then the boot id says so. The folder holds one segment:
 * when it is full, the state goes to the head of the next, and it is deleted.
 */

import { closeSync, fsyncSync, mkdirSync, openSync, rmSync } from "node:fs";
import type { Log } from "../log.ts";
import { frameHeadBytes, putFrame } from "./frame.ts";
import { ownFolder } from "./owner.ts";
import {
  type JournalBase,
  type JournalEvent,
  type JournalHead,
  type JournalIdentity,
  type JournalLease,
  type JournalRecord,
  type JournalReserve,
  journalFormat,
} from "./record.ts";
import { recordText } from "./record-text.ts";
import { journalFileOf, journalFiles, type Recovered, recover } from "./recover.ts";
import { SegmentFile, type Write } from "./segment-file.ts";
import { JournalState } from "./state.ts";

export type JournalInput = {
  readonly folder: string;
  /** Of the running kernel (`/proc/sys/kernel/random/boot_id`). */
  readonly bootId: string;
  /** The pod, or the host. */
  readonly owner: string;
  readonly log: Log;
  /** Of the folder: one half for the segment, the other for the one that replaces it. */
  readonly bytesMax?: number;
  readonly segmentBytesMax?: number;
  readonly write?: Write;
};

/** What a journal begins with: what was taken over from a predecessor, and what was made of what it left open. */
export type JournalBeginning = JournalIdentity & {
  readonly leases?: Iterable<JournalLease>;
  readonly events?: Iterable<JournalEvent>;
};

/** A record could not be written. Earlier ones are unharmed, later ones may succeed. */
export class JournalUnavailable extends Error {
  override readonly name = "JournalUnavailable";
}

/** Fits the 64 MiB of memory that a pod's journal volume has. */
const bytesMaxDefault = 48 * 1024 * 1024;
const leasesPerRecord = 500;
/** Appends until a replacement that failed is tried again. */
const replaceAgainAfter = 1_000;
/** A settlement's text beyond what its reservation says of the exchange: its end, tokens, cost. */
const settleBytes = 2_048;
const bufferBytes = 64 * 1024;

export class Journal implements Disposable {
  readonly #input: JournalInput;
  readonly #sizeBytesMax: number;
  readonly #segmentBytesMax: number;
  readonly #release: () => void;
  readonly #state = new JournalState();
  #head: JournalHead | undefined;
  #file: SegmentFile | undefined;
  #fileNumber = 0;
  /** Of the state that the segment begins with. */
  #baseBytes = 0;
  #sequence = 0;
  #buffer = Buffer.allocUnsafe(bufferBytes);
  /** Room that is taken for the settlements of open reservations. */
  #claimedBytes = 0;
  #appends = 0;
  #replaceNotBefore = 0;
  #failing = false;
  #closed = false;

  /** Throws `JournalInUse` when another process has the folder. What an earlier process left is untouched until `begin`. */
  static open(input: JournalInput): { readonly journal: Journal; readonly predecessor: Recovered | undefined } {
    mkdirSync(input.folder, { recursive: true, mode: 0o700 });
    const journal = new Journal(input, ownFolder(input.folder, input.bootId));
    return { journal, predecessor: recover(input) };
  }

  private constructor(input: JournalInput, release: () => void) {
    const bytesMax = input.bytesMax ?? bytesMaxDefault;
    this.#input = input;
    this.#sizeBytesMax = Math.floor(bytesMax / 2);
    this.#segmentBytesMax = input.segmentBytesMax ?? Math.floor(bytesMax / 6);
    this.#release = release;
  }

  get state(): Pick<JournalState, "leases" | "open" | "openOf" | "events" | "lastEventSeq"> {
    return this.#state;
  }

  /** From here on these are the books; what an earlier process left is deleted. Throws when the disk does not take them. */
  begin({ leases = [], events = [], ...identity }: JournalBeginning): void {
    if (this.#head !== undefined) throw new Error("A journal begins once.");
    const { bootId, owner, folder } = this.#input;
    this.#head = { kind: "head", format: journalFormat, bootId, owner, ...identity };
    this.#fileNumber = journalFiles(folder).at(-1)?.number ?? 0;
    this.#state.apply({ kind: "grant", leases: [...leases] });
    for (const event of events) this.#state.apply({ kind: "event", ...event });
    try {
      this.#startSegment();
      // A journal that was closed must not come back with the machine: it would prove what is no longer so.
      syncFolder(folder);
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  /**
   * Throws `JournalUnavailable` when the record could not be written: then the act must not happen. Where a reservation was
   * written, its settlement will have room.
   */
  append(record: JournalRecord): void {
    if (this.#closed) throw new JournalUnavailable("The journal is closed.");
    if (this.#file === undefined) throw new JournalUnavailable("The journal has not begun.");
    this.#appends++;
    const text = recordText(record);
    const claimBytes = this.#claimOf(record);
    try {
      if (this.#file.bytes >= Math.max(this.#segmentBytesMax, 2 * this.#baseBytes)) this.#replaceSegment();
      if (record.kind !== "settle") this.#takeRoom(frameHeadBytes + Buffer.byteLength(text) + claimBytes);
      this.#write(this.#file, text);
    } catch (error) {
      const unavailable = this.#unavailable(error);
      // What is on the spool's disk may be told once more: its number tells that it is.
      if (record.kind === "spooled") this.#state.apply(record);
      else throw unavailable;
      return;
    }
    if (this.#failing) this.#input.log.info("the journal takes records again", { folder: this.#input.folder });
    this.#failing = false;
    this.#claimedBytes += claimBytes;
    this.#state.apply(record);
  }

  /**
   * Another session goes on in this process: what the former one had leased is no longer ours to tell. Throws
   * `JournalUnavailable`; then a successor will speak for the former session, and be told that it is over.
   */
  changeSession(identity: Omit<JournalIdentity, "instance">): void {
    const former = this.#head;
    if (former === undefined || this.#closed) throw new JournalUnavailable("The journal is not open.");
    this.#head = { ...former, ...identity };
    this.#state.apply({ kind: "forget", leases: [...this.#state.leases].map(({ key }) => key) });
    try {
      this.#startSegment();
    } catch (error) {
      this.#head = former;
      throw this.#unavailable(error);
    }
  }

  /** After a planned stop: proves that nothing is missing, even when the machine is restarted. */
  close(): void {
    if (this.#closed) return;
    try {
      this.#file?.sync();
      if (this.#file !== undefined) this.append({ kind: "close" });
      this.#file?.sync();
    } finally {
      this[Symbol.dispose]();
    }
  }

  /** Without a last word, as after a kill. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file?.close();
    this.#release();
  }

  /** Beyond the room of what is open. A full segment is replaced, if that frees anything. */
  #takeRoom(bytes: number): void {
    try {
      this.#file?.takeRoom(bytes + this.#claimedBytes, this.#sizeBytesMax);
    } catch (error) {
      if (!this.#replaceSegment()) throw error;
      this.#file?.takeRoom(bytes + this.#claimedBytes, this.#sizeBytesMax);
    }
  }

  #write(file: SegmentFile, text: string): void {
    const bytesMax = frameHeadBytes + 3 * text.length;
    if (bytesMax > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(2 * bytesMax);
    file.append(this.#buffer, putFrame(this.#buffer, this.#sequence + 1, text));
    this.#sequence++;
  }

  /** Answers whether there is a new one. Without it the old one goes on, and it is tried again later. */
  #replaceSegment(): boolean {
    const freedBytes = (this.#file?.bytes ?? 0) - this.#baseBytes;
    if (this.#appends < this.#replaceNotBefore || freedBytes < this.#segmentBytesMax / 16) return false;
    try {
      this.#startSegment();
      return true;
    } catch (error) {
      this.#replaceNotBefore = this.#appends + replaceAgainAfter;
      this.#input.log.warn("the journal's next segment could not be written", { folder: this.#input.folder, error });
      return false;
    }
  }

  #startSegment(): void {
    const { folder, write } = this.#input;
    const sequence = this.#sequence;
    const { path, number } = journalFileOf(folder, this.#fileNumber + 1);
    const file = new SegmentFile(path, write);
    try {
      for (const record of this.#beginning()) {
        const text = recordText(record);
        file.takeRoom(frameHeadBytes + Buffer.byteLength(text), this.#sizeBytesMax);
        this.#write(file, text);
      }
      file.takeRoom(this.#claimedBytes, this.#sizeBytesMax);
    } catch (error) {
      this.#sequence = sequence;
      file.close();
      rmSync(path, { force: true });
      throw error;
    }
    this.#file?.close();
    this.#file = file;
    this.#fileNumber = number;
    this.#baseBytes = file.bytes;
    for (const older of journalFiles(folder)) if (older.number < number) rmSync(older.path, { force: true });
  }

  *#beginning(): Generator<JournalHead | JournalRecord | JournalBase> {
    if (this.#head !== undefined) yield this.#head;
    const leases = [...this.#state.leases];
    for (let from = 0; from < leases.length; from += leasesPerRecord)
      yield { kind: "grant", leases: leases.slice(from, from + leasesPerRecord) };
    yield* this.#state.open;
    for (const event of this.#state.events) yield { kind: "event", ...event };
    yield { kind: "base", lastEventSeq: this.#state.lastEventSeq };
  }

  /** What a record changes of the room that is kept for settlements. */
  #claimOf(record: JournalRecord): number {
    if (record.kind !== "reserve" && record.kind !== "settle") return 0;
    const open = this.#state.openOf(record.attempt);
    return (
      (record.kind === "reserve" ? settlementBytesOf(record) : 0) - (open === undefined ? 0 : settlementBytesOf(open))
    );
  }

  #unavailable(cause: unknown): JournalUnavailable {
    const { folder, log } = this.#input;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new JournalUnavailable(
      `The journal in ${folder} takes no more records: ${reason}. Calls that need a reservation are refused until its disk has room.`,
      { cause },
    );
    if (!this.#failing) log.error("the journal takes no more records", { folder, error });
    this.#failing = true;
    return error;
  }
}

/** Which files there are is on the disk itself. */
function syncFolder(folder: string): void {
  const file = openSync(folder, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** What its settlement may take: the exchange's event with its charges, and the charges once more. Quoted, a byte may be two. */
function settlementBytesOf({ exchange, holds }: JournalReserve): number {
  let bytes = Buffer.byteLength(exchange);
  for (const [lease] of holds) bytes += 2 * (Buffer.byteLength(lease) + 20);
  return settleBytes + 2 * bytes;
}
