/** A bucket in memory. Values are copied on their way in and out: who changes a buffer changes only their own. */

import type { BucketEntry, BucketEvent, BucketName } from "@sluice/contract";
import { BucketConflict } from "@sluice/contract";
import { checkValue, type MemoryLimits } from "./memory-limits.ts";

export class MemoryBucket {
  readonly #name: BucketName;
  readonly #limits: MemoryLimits;
  readonly #entries = new Map<string, BucketEntry>();
  readonly #watchers = new Set<Watcher>();
  #revision = 0;

  constructor(name: BucketName, limits: MemoryLimits) {
    this.#name = name;
    this.#limits = limits;
  }

  get(key: string): BucketEntry | undefined {
    checkKey(key);
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : copyOf(entry);
  }

  put(key: string, value: Uint8Array): number {
    checkKey(key);
    checkValue(`${this.#name}/${key}`, value, this.#limits);
    const entry = { key, value: value.slice(), revision: ++this.#revision };
    this.#entries.set(key, entry);
    this.#tell({ kind: "put", entry });
    return entry.revision;
  }

  putIf(key: string, value: Uint8Array, expected: number): number {
    checkKey(key);
    const found = this.#entries.get(key)?.revision ?? 0;
    if (found !== expected) throw new BucketConflict(this.#name, key, expected, found);
    return this.put(key, value);
  }

  delete(key: string): void {
    checkKey(key);
    if (this.#entries.delete(key)) this.#tell({ kind: "delete", key, revision: ++this.#revision });
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  watch(handler: (event: BucketEvent) => void): AsyncDisposable {
    const watcher = new Watcher(handler, this.#limits.onHandlerError, () => [
      ...[...this.#entries.values()].map((entry) => ({ kind: "put" as const, entry })),
      { kind: "ready", revision: this.#revision },
    ]);
    this.#watchers.add(watcher);
    return {
      [Symbol.asyncDispose]: async () => {
        watcher.stop();
        this.#watchers.delete(watcher);
      },
    };
  }

  #tell(event: BucketEvent): void {
    for (const watcher of this.#watchers) watcher.enqueue(event);
  }
}

/** Hands events to one handler, after the call that caused them has returned. Holds one event a key, so it is bounded. */
class Watcher {
  readonly #handler: (event: BucketEvent) => void;
  readonly #onHandlerError: (error: unknown) => void;
  readonly #pending = new Map<string, BucketEvent>();
  #scheduled = false;
  #stopped = false;
  #began = false;

  constructor(
    handler: (event: BucketEvent) => void,
    onHandlerError: (error: unknown) => void,
    present: () => BucketEvent[],
  ) {
    this.#handler = handler;
    this.#onHandlerError = onHandlerError;
    // What is there is read when the first event is told: all that came before is in it, so nothing is told twice.
    queueMicrotask(() => {
      this.#began = true;
      for (const event of present()) this.#hand(event);
      this.#drain();
    });
  }

  enqueue(event: BucketEvent): void {
    if (!this.#began || event.kind === "ready") return;
    const key = event.kind === "put" ? event.entry.key : event.key;
    // Deleted first: the newest change of a key stands behind what came before it.
    this.#pending.delete(key);
    this.#pending.set(key, event);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#drain());
  }

  stop(): void {
    this.#stopped = true;
    this.#pending.clear();
  }

  #drain(): void {
    this.#scheduled = false;
    const events = [...this.#pending.values()];
    this.#pending.clear();
    for (const event of events) this.#hand(event);
  }

  #hand(event: BucketEvent): void {
    if (this.#stopped) return;
    try {
      this.#handler(event.kind === "put" ? { kind: "put", entry: copyOf(event.entry) } : event);
    } catch (error) {
      this.#onHandlerError(error);
    }
  }
}

function copyOf(entry: BucketEntry): BucketEntry {
  return { ...entry, value: entry.value.slice() };
}

function checkKey(key: string): void {
  if (/^[A-Za-z0-9_=/-](?:[A-Za-z0-9_=./-]{0,254}[A-Za-z0-9_=/-])?$/.test(key)) return;
  throw new Error(
    `"${key.slice(0, 300)}" is no bucket key: 1 to 256 characters of A-Z a-z 0-9 - _ = . / , no dot at either end`,
  );
}
