/**
 * Virtual keys on the bus, each under its hash. A revocation is written the moment it is known, and from then on wins over
 * whatever a reconcile that began before it would write.
 */

import { type Bucket, canonicalJson, type KeyEntry } from "@sluice/contract";
import type { Revocation } from "../store/store.ts";
import { BucketContents } from "./bucket-contents.ts";

/** A revoked key whose resource is gone is told apart from an unknown one for this long. */
export const revokedKeptMs = 30 * 24 * 60 * 60_000;

export class KeyPublisher {
  readonly #contents: BucketContents;
  #entries: ReadonlyMap<string, KeyEntry> = new Map();
  #revocations = new Map<string, Revocation>();

  constructor(bucket: Bucket) {
    this.#contents = new BucketContents(bucket);
  }

  /** The bucket's revision after the newest write of this process; 0 before the first. */
  get revision(): number {
    return this.#contents.revision;
  }

  recheck(): void {
    this.#contents.recheck();
  }

  /** `entries`: by hash, of all VirtualKeys. */
  async publish(input: {
    entries: ReadonlyMap<string, KeyEntry>;
    revocations: readonly Revocation[];
    nowMs: number;
  }): Promise<void> {
    this.#entries = input.entries;
    for (const revocation of input.revocations) this.#revocations.set(revocation.hash, revocation);
    const horizon = input.nowMs - revokedKeptMs;
    const wanted = (hash: string) => this.#wanted(hash, horizon);
    await this.#contents.bringTo([...this.#entries.keys(), ...this.#revocations.keys()], wanted);
  }

  /** Answers the bucket's revision with the revocation. */
  async revoke(revocation: Revocation): Promise<number> {
    this.#revocations.set(revocation.hash, revocation);
    return this.#contents.put(
      revocation.hash,
      canonicalJson(revokedEntry(this.#entries.get(revocation.hash), revocation)),
    );
  }

  #wanted(hash: string, horizonMs: number): string | undefined {
    const entry = this.#entries.get(hash);
    const revocation = this.#revocations.get(hash);
    if (revocation === undefined) return entry === undefined ? undefined : canonicalJson(entry);
    if (entry === undefined && revocation.revokedAtMs < horizonMs) return undefined;
    return canonicalJson(revokedEntry(entry, revocation));
  }
}

function revokedEntry(entry: KeyEntry | undefined, { key }: Revocation): KeyEntry {
  const bare: KeyEntry = { id: key, namespace: key.split("/")[0] ?? "", state: "Revoked", metadata: {} };
  return entry === undefined ? bare : { ...entry, state: "Revoked" };
}
