/**
 * What was used of a rate's share within its last length: so that any interval of that length, wherever it begins, holds no
 * more than the share. Time is cut into 16 parts; a use counts until the end of its part plus one length.
 */

const parts = 16;
/** The running part, and all that may still count. */
const size = parts + 1;

export class SlidingUse {
  readonly #partMs: number;
  readonly #amounts = new Float64Array(size);
  #now = 0;
  #sum = 0;

  constructor(lengthMs: number) {
    this.#partMs = lengthMs / parts;
  }

  /** Answers the part that the use is booked in, for `refund`. */
  add(amount: number, nowMs: number): number {
    this.#advance(nowMs);
    this.#amounts[this.#now % size]! += amount;
    this.#sum += amount;
    return this.#now;
  }

  /** Less was used than was booked; nothing to do where it counts no more. */
  refund(amount: number, part: number, nowMs: number): void {
    this.#advance(nowMs);
    if (part <= this.#now - size) return;
    this.#amounts[part % size]! -= amount;
    this.#sum -= amount;
  }

  usedAt(nowMs: number): number {
    this.#advance(nowMs);
    return this.#sum;
  }

  #advance(nowMs: number): void {
    const now = Math.max(this.#now, Math.floor(nowMs / this.#partMs));
    for (let part = Math.max(this.#now, now - size) + 1; part <= now; part++) {
      this.#sum -= this.#amounts[part % size]!;
      this.#amounts[part % size] = 0;
    }
    this.#now = now;
  }
}
