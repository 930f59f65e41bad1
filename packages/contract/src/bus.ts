/**
 * Bus: how the planes reach each other. A port: `@sluice/bus` has its implementations, and one conformance suite that each
 * must pass. Two shapes are kept, both as NATS JetStream has them: buckets (latest value per key) and streams (every message,
 * at least once, in order). Two are of the moment, as core NATS has them: requests (one answer, or none) and signals (to all who
 * listen just now). Nothing on the bus is the record: all of it can be written again from the Store.
 */

/** `snapshots`: pointer and bodies · `keys` · `credentials` · `instances`: acknowledgements · `ledger`: watermarks. */
export const bucketNames = ["snapshots", "keys", "credentials", "instances", "ledger"] as const;
export type BucketName = (typeof bucketNames)[number];

/** `usage`: batches of usage events, one JSON object a line. */
export const streamNames = ["usage"] as const;
export type StreamName = (typeof streamNames)[number];

/** `leases`: amounts, between data planes and the record (`lease.ts`). */
export const requestNames = ["leases"] as const;
export type RequestName = (typeof requestNames)[number];

/** `recalls`: accounts that somebody is short of (`lease.ts`). */
export const signalNames = ["recalls"] as const;
export type SignalName = (typeof signalNames)[number];

/** Keys are 1 to 256 characters of `A-Z a-z 0-9 - _ = . /`, neither starting nor ending with a dot (NATS key-value rules). */
export type BucketEntry = { readonly key: string; readonly value: Uint8Array; readonly revision: number };

/** What a watcher is told. `ready` comes once, after every value that was there when it began. */
export type BucketEvent =
  | { readonly kind: "put"; readonly entry: BucketEntry }
  | { readonly kind: "delete"; readonly key: string; readonly revision: number }
  | { readonly kind: "ready"; readonly revision: number };

export type Bucket = {
  /** The latest value, or undefined when there is none or it was deleted. */
  get(key: string): Promise<BucketEntry | undefined>;
  /** Writes whatever was there; answers the new revision. Revisions grow over the whole bucket. */
  put(key: string, value: Uint8Array): Promise<number>;
  /** Writes only when the key's latest revision is `expected` (0: absent or deleted). Throws `BucketConflict` otherwise. */
  putIf(key: string, value: Uint8Array, expected: number): Promise<number>;
  /** No error when absent. */
  delete(key: string): Promise<void>;
  keys(): Promise<string[]>;
  /**
   * Every current value, then `ready`, then every change in order; several changes of one key may be told as its last.
   * A handler that throws does not end the watch.
   */
  watch(handler: (event: BucketEvent) => void): Promise<AsyncDisposable>;
};

/** The key had another revision than expected. */
export class BucketConflict extends Error {
  override readonly name = "BucketConflict";
  constructor(bucket: string, key: string, expected: number, found: number) {
    super(`${bucket}/${key}: expected revision ${expected}, found ${found}`);
  }
}

export type StreamMessage = {
  readonly id: string;
  readonly value: Uint8Array;
  /** 1 at the first delivery. */
  readonly delivery: number;
};

export type EventStream = {
  /** Resolves when the message is kept. A second message of the same id within two minutes is dropped. */
  publish(message: { id: string; value: Uint8Array }): Promise<void>;
  /**
   * Consumers of one name share the stream's messages, one at a time each. A handler that resolves acknowledges;
   * one that rejects has the message again, later.
   */
  consume(consumer: string, handler: (message: StreamMessage) => Promise<void>): Promise<AsyncDisposable>;
};

/** Nobody answers, or not in time. The request may have been acted on all the same. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  constructor(name: string, why: "nobody answers" | "not in time") {
    super(`${name}: ${why}`);
  }
}

export type Requests = {
  /** Throws `NoAnswer`. */
  ask(value: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** Of several who answer, one has each request. A handler that rejects leaves its asker without an answer. */
  answer(handler: (value: Uint8Array) => Promise<Uint8Array>): Promise<AsyncDisposable>;
};

export type Signals = {
  /** At most once to each listener of this moment. */
  send(value: Uint8Array): Promise<void>;
  listen(handler: (value: Uint8Array) => void): Promise<AsyncDisposable>;
};

export type Bus = AsyncDisposable & {
  /** The largest value that a bucket or a stream takes, in bytes. */
  readonly valueBytesMax: number;
  bucket(name: BucketName): Bucket;
  stream(name: StreamName): EventStream;
  requests(name: RequestName): Requests;
  signals(name: SignalName): Signals;
};
