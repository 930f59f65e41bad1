/**
 * Cuts a byte stream of server-sent events into whole events, wherever the network cut it. Events keep their bytes, blank
 * line included; lines may end in LF, CR or CRLF (HTML standard, server-sent events). What an event means is read elsewhere.
 */

/** A longer event is no answer of a model: the reader gives up on it. */
export const eventBytesMax = 4 * 1024 * 1024;

export class EventTooLong extends Error {
  override readonly name = "EventTooLong";
  constructor() {
    super(`An event of the stream is longer than ${eventBytesMax} bytes`);
  }
}

export class EventSplitter {
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Nothing of the current line was seen yet. */
  #lineEmpty = true;
  /** The last byte was CR: an LF that follows belongs to it. */
  #afterReturn = false;
  /** The blank line has ended in CR: the event ends here, or after an LF that follows. */
  #endsAfterReturn = false;

  /** The whole events that `piece` completes, in order. Throws `EventTooLong`. */
  push(piece: Buffer): Buffer[] {
    const events: Buffer[] = [];
    let start = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at];
      if (this.#endsAfterReturn) {
        this.#endsAfterReturn = false;
        if (byte === 0x0a) {
          this.#afterReturn = false;
          events.push(this.#take(piece.subarray(start, at + 1)));
          start = at + 1;
          continue;
        }
        events.push(this.#take(piece.subarray(start, at)));
        start = at;
      }
      if (byte === 0x0a) {
        if (this.#afterReturn) {
          this.#afterReturn = false;
        } else if (this.#lineEmpty) {
          events.push(this.#take(piece.subarray(start, at + 1)));
          start = at + 1;
        } else {
          this.#lineEmpty = true;
        }
      } else if (byte === 0x0d) {
        if (this.#lineEmpty) this.#endsAfterReturn = true;
        this.#lineEmpty = true;
        this.#afterReturn = true;
      } else {
        this.#lineEmpty = false;
        this.#afterReturn = false;
      }
    }
    if (start < piece.length) this.#hold(start === 0 ? piece : piece.subarray(start));
    return events;
  }

  /** What came after the last whole event; empty when nothing did. */
  rest(): Buffer {
    return this.#take(Buffer.alloc(0));
  }

  #hold(piece: Buffer): void {
    this.#heldBytes += piece.length;
    if (this.#heldBytes > eventBytesMax) throw new EventTooLong();
    this.#held.push(piece);
  }

  #take(last: Buffer): Buffer {
    if (this.#held.length === 0) return last;
    const whole = Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    return whole;
  }
}
