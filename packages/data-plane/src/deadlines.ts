/**
 * Deadlines: one timer for all that waits. Each waiting thing is looked at every 50 ms, which costs less than a timer a call and
 * is as exact as a deadline of seconds needs to be.
 */

import { type Placed, Roster } from "./roster.ts";

export type Timed = Placed & {
  /** `now`: monotonic milliseconds. */
  check(now: number): void;
};

const sweepMs = 50;

export class Deadlines implements Disposable {
  readonly #waiting = new Roster<Timed>();
  readonly #timer: NodeJS.Timeout;
  /** Monotonic milliseconds, of the clock that deadlines are looked at by: nothing may be set by another one. */
  readonly now: () => number;
  /** As of the last sweep: exact enough to push a deadline back by. */
  coarseNow: number;

  constructor(now: () => number) {
    this.now = now;
    this.coarseNow = now();
    this.#timer = setInterval(() => this.#sweep(), sweepMs);
    this.#timer.unref();
  }

  add(timed: Timed): void {
    this.#waiting.add(timed);
  }

  remove(timed: Timed): void {
    this.#waiting.remove(timed);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    this.coarseNow = this.now();
    this.#waiting.forEach((timed) => {
      timed.check(this.coarseNow);
    });
  }
}
