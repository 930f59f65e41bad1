/** The snapshot on the bus: the body first, the pointer last, so that whoever follows the pointer finds the body. */

import { type Bucket, canonicalJson, type SnapshotPointer } from "@sluice/contract";
import type { Revision } from "../store/store.ts";
import { BucketContents } from "./bucket-contents.ts";

/** Bodies that stay: a data plane that is fetching an older one must not find it gone. */
const bodiesKept = 5;
const pointerKey = "current";

export class SnapshotPublisher {
  readonly #contents: BucketContents;
  readonly #bodies = new Map<string, string>();

  constructor(bucket: Bucket) {
    this.#contents = new BucketContents(bucket);
  }

  recheck(): void {
    this.#contents.recheck();
  }

  async publish({ revision, digest, snapshot }: Revision): Promise<void> {
    const key = `revision.${revision}`;
    const pointer: SnapshotPointer = { revision, digest, key };
    if (!this.#bodies.has(key)) this.#bodies.set(key, canonicalJson(snapshot));
    for (const older of [...this.#bodies.keys()].slice(0, -bodiesKept)) this.#bodies.delete(older);

    const wanted = (name: string) => (name === pointerKey ? canonicalJson(pointer) : this.#bodies.get(name));
    await this.#contents.bringTo([key, pointerKey], wanted);
  }
}
