/**
 * Providers' credentials on the bus, sealed. A value is sealed again only when it changed, which a digest under a key of this
 * process tells; the value itself is kept nowhere.
 */

import { createHmac } from "node:crypto";
import { type Bucket, type CredentialEntry, canonicalJson, type SealingKey, seal } from "@sluice/contract";
import type { Secret } from "../sources/secret.ts";
import type { SecretSource } from "../sources/secrets.ts";
import { BucketContents } from "./bucket-contents.ts";

export type CredentialProblem = { readonly kind: "missing" | "refused"; readonly message: string };

export type Credentials = {
  /** Ids of those that are published. */
  readonly available: ReadonlySet<string>;
  /** Why others are not, or are as they were before. */
  readonly problems: ReadonlyMap<string, CredentialProblem>;
};

type Sealed = { readonly digest: string; readonly text: string };

export class CredentialPublisher {
  readonly #contents: BucketContents;
  readonly #secrets: SecretSource;
  readonly #sealingKey: SealingKey;
  readonly #random: (bytes: number) => Uint8Array;
  readonly #digestKey: Uint8Array;
  readonly #sealed = new Map<string, Sealed>();

  constructor(ports: {
    bucket: Bucket;
    secrets: SecretSource;
    sealingKey: SealingKey;
    random: (bytes: number) => Uint8Array;
  }) {
    this.#contents = new BucketContents(ports.bucket);
    this.#secrets = ports.secrets;
    this.#sealingKey = ports.sealingKey;
    this.#random = ports.random;
    this.#digestKey = ports.random(32);
  }

  recheck(): void {
    this.#contents.recheck();
  }

  /** `ids`: `namespace/secret/key` of all that Providers name. */
  async publish(ids: Iterable<string>): Promise<Credentials> {
    const problems = new Map<string, CredentialProblem>();
    const wanted = new Set(ids);
    for (const id of this.#sealed.keys()) if (!wanted.has(id)) this.#sealed.delete(id);
    for (const id of wanted) {
      const found = await this.#secrets(id);
      if (found.kind === "found") this.#keep(id, found.value);
      else problems.set(id, found);
      // What was removed must not serve on; what can't be read just now does, until it can.
      if (found.kind === "missing") this.#sealed.delete(id);
    }
    await this.#contents.bringTo(this.#sealed.keys(), (id) => this.#sealed.get(id)?.text);
    return { available: new Set(this.#sealed.keys()), problems };
  }

  #keep(id: string, value: Secret): void {
    const digest = createHmac("sha256", this.#digestKey).update(value.reveal()).digest("hex");
    if (this.#sealed.get(id)?.digest === digest) return;
    const plain = Buffer.from(value.reveal());
    const sealed = seal({ key: this.#sealingKey, context: id, plain, nonce: this.#random(12) });
    const entry: CredentialEntry = { sealed: Buffer.from(sealed).toString("base64") };
    this.#sealed.set(id, { digest, text: canonicalJson(entry) });
  }
}
