/**
 * The Bus inside one process: what both planes of `sluice up` share. The hub stands for the server, and each `connect` for a
 * client of it, so that code and tests see the same two sides as with NATS. Nothing outlives the process.
 */

import type {
  Bucket,
  BucketName,
  Bus,
  EventStream,
  RequestName,
  Requests,
  SignalName,
  Signals,
  StreamName,
} from "@sluice/contract";
import { bucketNames, requestNames, signalNames, streamNames } from "@sluice/contract";
import { MemoryBucket } from "./memory-bucket.ts";
import type { MemoryBusOptions } from "./memory-limits.ts";
import { MemoryRequests } from "./memory-requests.ts";
import { MemorySignals } from "./memory-signals.ts";
import { MemoryStream } from "./memory-stream.ts";

export type MemoryHub = { connect(): Bus };

export function createMemoryBus(options: MemoryBusOptions = {}): MemoryHub {
  const {
    valueBytesMax = 32 * 1024 * 1024,
    redeliverAfterMs = 250,
    nowMs = () => performance.now(),
    onHandlerError = (error) => process.emitWarning(`A bus handler failed: ${messageOf(error)}`),
  } = options;
  const limits = { valueBytesMax, redeliverAfterMs, nowMs, onHandlerError };
  const buckets = new Map(bucketNames.map((name) => [name, new MemoryBucket(name, limits)]));
  const streams = new Map(streamNames.map((name) => [name, new MemoryStream(name, limits)]));
  const requests = new Map(requestNames.map((name) => [name, new MemoryRequests(name, limits)]));
  const signals = new Map(signalNames.map((name) => [name, new MemorySignals(name, limits)]));
  return { connect: () => new MemoryClient({ buckets, streams, requests, signals, valueBytesMax }) };
}

/** One client: it ends its own watches and consumers, and nobody else's. */
class MemoryClient implements Bus {
  readonly valueBytesMax: number;
  readonly #buckets: ReadonlyMap<BucketName, MemoryBucket>;
  readonly #streams: ReadonlyMap<StreamName, MemoryStream>;
  readonly #requests: ReadonlyMap<RequestName, MemoryRequests>;
  readonly #signals: ReadonlyMap<SignalName, MemorySignals>;
  readonly #subscriptions = new Set<AsyncDisposable>();
  #closed = false;

  constructor(hub: {
    buckets: ReadonlyMap<BucketName, MemoryBucket>;
    streams: ReadonlyMap<StreamName, MemoryStream>;
    requests: ReadonlyMap<RequestName, MemoryRequests>;
    signals: ReadonlyMap<SignalName, MemorySignals>;
    valueBytesMax: number;
  }) {
    this.#buckets = hub.buckets;
    this.#streams = hub.streams;
    this.#requests = hub.requests;
    this.#signals = hub.signals;
    this.valueBytesMax = hub.valueBytesMax;
  }

  bucket(name: BucketName): Bucket {
    const bucket = known(this.#buckets, name);
    return {
      get: async (key) => this.#open(() => bucket.get(key)),
      put: async (key, value) => this.#open(() => bucket.put(key, value)),
      putIf: async (key, value, expected) => this.#open(() => bucket.putIf(key, value, expected)),
      delete: async (key) => this.#open(() => bucket.delete(key)),
      keys: async () => this.#open(() => bucket.keys()),
      watch: async (handler) => this.#subscribe(() => bucket.watch(handler)),
    };
  }

  stream(name: StreamName): EventStream {
    const stream = known(this.#streams, name);
    return {
      publish: async (message) => this.#open(() => stream.publish(message)),
      consume: async (consumer, handler) => this.#subscribe(() => stream.consume(consumer, handler)),
    };
  }

  requests(name: RequestName): Requests {
    const requests = known(this.#requests, name);
    return {
      ask: async (value, timeoutMs) => this.#open(() => requests.ask(value, timeoutMs)),
      answer: async (handler) => this.#subscribe(() => requests.answer(handler)),
    };
  }

  signals(name: SignalName): Signals {
    const signals = known(this.#signals, name);
    return {
      send: async (value) => this.#open(() => signals.send(value)),
      listen: async (handler) => this.#subscribe(() => signals.listen(handler)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#subscriptions].map((one) => one[Symbol.asyncDispose]()));
  }

  #open<Answer>(act: () => Answer): Answer {
    if (this.#closed) throw new Error("The bus is closed");
    return act();
  }

  #subscribe(begin: () => AsyncDisposable): AsyncDisposable {
    const subscription = this.#open(begin);
    this.#subscriptions.add(subscription);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#subscriptions.delete(subscription);
        await subscription[Symbol.asyncDispose]();
      },
    };
  }
}

function known<Name, Value>(map: ReadonlyMap<Name, Value>, name: Name): Value {
  const value = map.get(name);
  if (value === undefined) throw new Error(`The bus has no ${String(name)}`);
  return value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
