/**
 * What the control plane publishes, as it arrives: snapshots, keys, credentials. A snapshot that can't be loaded leaves the one
 * that serves in place; both are told in this instance's acknowledgement.
 */

import {
  type Acknowledgement,
  type BucketEvent,
  type Bus,
  credentialEntry,
  digestOf,
  type KeyEntry,
  keyEntry,
  type SealingKey,
  snapshotPointer,
  unseal,
} from "@sluice/contract";
import type { Log } from "../log.ts";
import { Secret } from "../secret.ts";
import { buildRuntime, type Runtime } from "./runtime.ts";

export type SubscriptionPorts = {
  readonly bus: Bus;
  readonly log: Log;
  readonly instance: string;
  readonly instanceName: string;
  readonly startedAtMs: number;
  readonly sealingKeys: readonly SealingKey[];
  readonly onRuntime: (runtime: Runtime) => void;
  /** The key's exchanges in flight are to end. */
  readonly onRevoked: (hash: string) => void;
};

export class Subscription implements AsyncDisposable {
  readonly keys = new Map<string, KeyEntry>();
  readonly credentials = new Map<string, Secret>();
  readonly #ports: SubscriptionPorts;
  readonly #watches: AsyncDisposable[] = [];
  #runtime: Runtime | undefined;
  #rejected: Acknowledgement["rejected"];
  #keysRevision = 0;
  #acknowledging: Promise<void> | undefined;
  #acknowledgeAgain = false;
  #loading: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(ports: SubscriptionPorts) {
    this.#ports = ports;
  }

  /** Resolves when every key and credential that was published is here, and a snapshot serves. */
  async start(): Promise<void> {
    const { bus } = this.#ports;
    let served = () => {};
    const serves = new Promise<void>((resolve) => {
      served = resolve;
    });
    const keys = this.#watch("keys", (event) => this.#onKey(event));
    const credentials = this.#watch("credentials", (event) => this.#onCredential(event));
    await Promise.all([keys, credentials]);
    this.#watches.push(
      await bus.bucket("snapshots").watch((event) => {
        if (event.kind !== "put" || event.entry.key !== "current") return;
        this.#loading = this.#loading
          .then(() => this.#load(event.entry.value))
          .then(() => {
            if (this.#runtime !== undefined) served();
          });
      }),
    );
    await serves;
    await this.#acknowledging;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#watches.map((watch) => watch[Symbol.asyncDispose]()));
    await this.#loading;
    await this.#acknowledging;
    await this.#ports.bus.bucket("instances").delete(this.#ports.instance);
  }

  /** Resolves when the values that were there at the start have been handled. */
  async #watch(name: "keys" | "credentials", handler: (event: BucketEvent) => void): Promise<void> {
    let ready = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const watch = await this.#ports.bus.bucket(name).watch((event) => {
      handler(event);
      if (event.kind === "ready") ready();
    });
    this.#watches.push(watch);
    await isReady;
  }

  #onKey(event: BucketEvent): void {
    if (event.kind === "ready") {
      this.#keysRevision = Math.max(this.#keysRevision, event.revision);
      return this.#acknowledge();
    }
    if (event.kind === "put") this.#setKey(event.entry.key, event.entry.value);
    else {
      this.keys.delete(event.key);
      this.#ports.onRevoked(event.key);
    }
    this.#keysRevision = event.kind === "put" ? event.entry.revision : event.revision;
    this.#acknowledge();
  }

  #setKey(hash: string, value: Uint8Array): void {
    const entry = keyEntry.safeParse(jsonOf(value));
    if (!entry.success) {
      // What can't be read must not go on serving as what it was before.
      this.keys.delete(hash);
      this.#ports.onRevoked(hash);
      return this.#ports.log.error("a key entry can't be read; its key is refused", {
        hash: hash.slice(0, 8),
        error: entry.error.message,
      });
    }
    this.keys.set(hash, entry.data);
    if (entry.data.state !== "Active") this.#ports.onRevoked(hash);
  }

  #onCredential(event: BucketEvent): void {
    if (event.kind === "ready") return;
    if (event.kind === "delete") return void this.credentials.delete(event.key);
    const id = event.entry.key;
    try {
      const { sealed } = credentialEntry.parse(jsonOf(event.entry.value));
      const plain = unseal({ keys: this.#ports.sealingKeys, context: id, sealed: Buffer.from(sealed, "base64") });
      this.credentials.set(id, new Secret(Buffer.from(plain).toString("utf8")));
    } catch (error) {
      this.#ports.log.error("a credential can't be opened; the one before it stays", {
        credential: id,
        error: (error as Error).message,
      });
    }
  }

  async #load(value: Uint8Array): Promise<void> {
    const pointer = snapshotPointer.safeParse(jsonOf(value));
    if (!pointer.success)
      return this.#ports.log.error("the snapshot pointer can't be read", { error: pointer.error.message });
    const { revision, digest, key } = pointer.data;
    if (this.#runtime?.digest === digest && this.#runtime.revision === revision) return;
    try {
      const body = await this.#ports.bus.bucket("snapshots").get(key);
      if (body === undefined) throw new Error(`the snapshot's body ${key} is missing`);
      const text = Buffer.from(body.value).toString("utf8");
      if (digestOf(text) !== digest) throw new Error(`the snapshot's body does not have its digest ${digest}`);
      this.#runtime = buildRuntime({ snapshot: JSON.parse(text), revision, digest });
      this.#rejected = undefined;
      this.#ports.onRuntime(this.#runtime);
      this.#ports.log.info("revision applied", { revision, digest });
    } catch (error) {
      const reason = (error as Error).message;
      this.#rejected = { revision, reason };
      this.#ports.log.error("revision rejected, the one before it serves", { revision, reason });
    }
    this.#acknowledge();
  }

  /** One acknowledgement under way at a time: the next tells the newest state. */
  #acknowledge(): void {
    if (this.#closed) return;
    if (this.#acknowledging !== undefined) {
      this.#acknowledgeAgain = true;
      return;
    }
    const { bus, instance, instanceName: name, startedAtMs, log } = this.#ports;
    const acknowledgement: Acknowledgement = {
      instance,
      name,
      startedAtMs,
      revision: this.#runtime?.revision ?? 0,
      digest: this.#runtime?.digest,
      rejected: this.#rejected,
      keysRevision: this.#keysRevision,
    };
    this.#acknowledging = bus
      .bucket("instances")
      .put(instance, Buffer.from(JSON.stringify(acknowledgement)))
      .then(
        () => undefined,
        (error: unknown) => log.warn("the acknowledgement could not be sent", { error }),
      )
      .finally(() => {
        this.#acknowledging = undefined;
        if (!this.#acknowledgeAgain) return;
        this.#acknowledgeAgain = false;
        this.#acknowledge();
      });
  }
}

function jsonOf(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString("utf8"));
  } catch {
    return undefined;
  }
}
