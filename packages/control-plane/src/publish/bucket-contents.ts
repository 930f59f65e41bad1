/**
 * Brings a bucket to what it should hold by writing the differences alone. What is there is read once and remembered;
 * `recheck` has it read again, so that what the bus lost, or another hand changed, is put right.
 */

import type { Bucket } from "@sluice/contract";

export class BucketContents {
  readonly #bucket: Bucket;
  #present: Map<string, string> | undefined;
  #revision = 0;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** Of the newest value that was put; 0 before the first. */
  get revision(): number {
    return this.#revision;
  }

  recheck(): void {
    this.#present = undefined;
  }

  /** `wanted` is asked for each key at the moment it is written: what changed meanwhile is written as it is then. */
  async bringTo(keys: Iterable<string>, wanted: (key: string) => string | undefined): Promise<void> {
    const present = this.#present ?? (await readAll(this.#bucket));
    this.#present = present;
    for (const key of new Set([...keys, ...present.keys()])) {
      const text = wanted(key);
      if (text === present.get(key)) continue;
      if (text === undefined) await this.#delete(key);
      else await this.put(key, text);
    }
  }

  /** Writes one value at once; answers the bucket's revision. */
  async put(key: string, text: string): Promise<number> {
    // Unknown until the bus has confirmed: after a failure the next pass writes it again.
    this.#present?.delete(key);
    const revision = await this.#bucket.put(key, Buffer.from(text));
    this.#present?.set(key, text);
    this.#revision = Math.max(this.#revision, revision);
    return revision;
  }

  async #delete(key: string): Promise<void> {
    await this.#bucket.delete(key);
    this.#present?.delete(key);
  }
}

/** Everything that the bucket holds, by key. */
export async function readAll(bucket: Bucket): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const { promise: isReady, resolve } = Promise.withResolvers<void>();
  const watch = await bucket.watch((event) => {
    if (event.kind === "put") found.set(event.entry.key, Buffer.from(event.entry.value).toString());
    else if (event.kind === "delete") found.delete(event.key);
    else resolve();
  });
  try {
    await isReady;
  } finally {
    await watch[Symbol.asyncDispose]();
  }
  return found;
}
