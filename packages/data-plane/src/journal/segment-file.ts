/**
 * A file that records are appended to. Room is taken from the disk before it is needed, as zeros: what is written into it can't
 * meet a full disk or a size limit any more. So a reservation takes the room of its settlement too, or is refused.
 */

import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** As `fs.writeSync`: may write less than it was given. */
export type Write = (file: number, bytes: Buffer, offset: number, length: number, position: number) => number;

/** Taken at once; a few microseconds in the page cache, for some hundred records. */
const roomBytes = 64 * 1024;
const zeros = Buffer.alloc(roomBytes);

export class SegmentFile {
  readonly path: string;
  readonly #file: number;
  readonly #write: Write;
  #bytes = 0;
  #roomEnd = 0;
  /** A write has failed half-way: what lies beyond `bytes` is cut off before the next. */
  #torn = false;

  constructor(path: string, write: Write = writeSync) {
    this.path = path;
    this.#write = write;
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  }

  /** Of whole records. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Taken from the disk. */
  get sizeBytes(): number {
    return this.#roomEnd;
  }

  /** Makes sure that so many bytes can be appended; throws when the disk, or `sizeBytesMax`, does not let it. */
  takeRoom(bytes: number, sizeBytesMax: number): void {
    if (this.#torn) this.#cut();
    while (this.#roomEnd < this.#bytes + bytes) {
      if (this.#roomEnd + roomBytes > sizeBytesMax) throw new Error(`its bound of ${sizeBytesMax} bytes is reached`);
      let written = 0;
      try {
        written = this.#write(this.#file, zeros, 0, roomBytes, this.#roomEnd);
      } finally {
        // What did fit is of use as well.
        this.#roomEnd += written;
      }
      if (written < roomBytes) throw new Error("the disk takes no more");
    }
  }

  /** All of it, or it throws and nothing of it stays. */
  append(buffer: Buffer, length: number): void {
    if (this.#torn) this.#cut();
    let written = 0;
    try {
      written = this.#write(this.#file, buffer, 0, length, this.#bytes);
    } finally {
      if (written < length) this.#tear();
    }
    if (written < length) throw new Error(`only ${written} of ${length} bytes could be written`);
    this.#bytes += length;
    if (this.#bytes > this.#roomEnd) this.#roomEnd = this.#bytes;
  }

  /** What was appended is on the disk itself; room that is left goes back. */
  sync(): void {
    ftruncateSync(this.#file, this.#bytes);
    this.#roomEnd = this.#bytes;
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  #tear(): void {
    this.#torn = true;
    try {
      this.#cut();
    } catch {
      // Tried again before the next record.
    }
  }

  #cut(): void {
    ftruncateSync(this.#file, this.#bytes);
    this.#roomEnd = this.#bytes;
    this.#torn = false;
  }
}
