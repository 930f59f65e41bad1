/** The data planes that are there, by what they say they have applied. */

import { type Acknowledgement, acknowledgement, type Bucket } from "@sluice/contract";
import { type Clock, sleep } from "../clock.ts";
import type { Log } from "../log.ts";

export type Reach = { readonly acknowledged: number; readonly of: number };

export class Instances implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onChange: () => void;
  readonly #present = new Map<string, Acknowledgement>();
  /** Those who wait for the next acknowledgement. */
  readonly #waiting = new Set<() => void>();
  #watch: AsyncDisposable | undefined;

  constructor(ports: { clock: Clock; log: Log; onChange: () => void }) {
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#onChange = ports.onChange;
  }

  async start(bucket: Bucket): Promise<void> {
    this.#watch = await bucket.watch((event) => {
      if (event.kind === "put") this.#hear(event.entry.key, event.entry.value);
      else if (event.kind === "delete") this.#present.delete(event.key);
      this.#onChange();
      for (const look of this.#waiting) look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
  }

  all(): Acknowledgement[] {
    return [...this.#present.values()];
  }

  /** Waits until every data plane has the keys up to `keysRevision`, at most `waitMs`; answers how many have. */
  waitForKeys(keysRevision: number, waitMs: number): Promise<Reach> {
    return this.#waitFor((one) => one.keysRevision >= keysRevision, waitMs);
  }

  /** The same of a snapshot's revision. */
  waitForRevision(revision: number, waitMs: number): Promise<Reach> {
    return this.#waitFor((one) => one.revision >= revision, waitMs);
  }

  async #waitFor(hasIt: (instance: Acknowledgement) => boolean, waitMs: number): Promise<Reach> {
    const reach = () => {
      const all = this.all();
      return { acknowledged: all.filter(hasIt).length, of: all.length };
    };
    const enough = new AbortController();
    const look = () => {
      const { acknowledged, of } = reach();
      if (acknowledged === of) enough.abort();
    };
    this.#waiting.add(look);
    look();
    await sleep(this.#clock, waitMs, enough.signal);
    this.#waiting.delete(look);
    return reach();
  }

  #hear(instance: string, value: Uint8Array): void {
    try {
      this.#present.set(instance, acknowledgement.parse(JSON.parse(Buffer.from(value).toString())));
    } catch {
      this.#log.warn("an acknowledgement could not be read", { instance });
    }
  }
}
