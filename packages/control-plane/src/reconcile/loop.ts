/**
 * Runs one piece of work whenever it is asked for: never twice at a time, once more when asked meanwhile, and again later
 * when it failed. The work looks at all there is, so it does not matter how often it was asked or for what.
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";

const retryFirstMs = 500;
const retryMaxMs = 5_000;

export class Loop implements AsyncDisposable {
  readonly #work: () => Promise<void>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #name: string;
  readonly #debounceMs: number;
  readonly #first = Promise.withResolvers<void>();
  /** Those who wait for the end of a run that is still to begin. */
  readonly #waiting: (() => void)[] = [];
  #running: Promise<void> | undefined;
  #endedAtMs = 0;
  #again = false;
  #cancel: (() => void) | undefined;
  #retryMs = retryFirstMs;
  #closed = false;

  constructor(input: { name: string; work: () => Promise<void>; debounceMs: number; clock: Clock; log: Log }) {
    this.#name = input.name;
    this.#work = input.work;
    this.#debounceMs = input.debounceMs;
    this.#clock = input.clock;
    this.#log = input.log;
  }

  /** Resolves once the work has succeeded for the first time. */
  get firstSuccess(): Promise<void> {
    return this.#first.promise;
  }

  /** At once after a rest, else a little later: what else is asked until then is done along. */
  ask(): void {
    if (this.#closed || this.#cancel !== undefined) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    const restedMs = this.#clock.nowMs() - this.#endedAtMs;
    this.#runIn(restedMs >= this.#debounceMs ? 0 : this.#debounceMs);
  }

  /** At once, unless it runs already. */
  askNow(): void {
    if (this.#closed) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#cancel?.();
    this.#run();
  }

  /** Runs at once; resolves when a run that began after this call has succeeded, or when the loop is closed. */
  runToEnd(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#closed) resolve();
    else this.#waiting.push(resolve);
    this.askNow();
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#running;
    for (const wake of this.#waiting) wake();
  }

  #runIn(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => this.#run());
  }

  #run(): void {
    this.#cancel = undefined;
    this.#again = false;
    this.#running = this.#attempt().then((nextMs) => {
      this.#running = undefined;
      this.#endedAtMs = this.#clock.nowMs();
      if (!this.#closed && nextMs !== undefined) this.#runIn(nextMs);
    });
  }

  /** Answers when to run next, if at all. */
  async #attempt(): Promise<number | undefined> {
    const waiting = this.#waiting.splice(0);
    try {
      await this.#work();
      this.#first.resolve();
      for (const wake of waiting) wake();
      this.#retryMs = retryFirstMs;
      return this.#again ? this.#debounceMs : undefined;
    } catch (error) {
      this.#waiting.unshift(...waiting);
      const retryMs = this.#retryMs;
      this.#retryMs = Math.min(2 * retryMs, retryMaxMs);
      this.#log.error(`${this.#name} failed, trying again`, { retryMs, error });
      return retryMs;
    }
  }
}
