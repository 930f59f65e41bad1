/**
 * A stream in memory. A message stays until each consumer name has dealt with it, or, while there is none, until one comes;
 * a publisher that is ahead of all of them is refused at a bound and keeps its message.
 */

import type { StreamMessage, StreamName } from "@sluice/contract";
import { checkValue, type MemoryLimits } from "./memory-limits.ts";

const duplicateWindowMs = 2 * 60_000;
const keptBytesMax = 256 * 1024 * 1024;

type Kept = { readonly id: string; readonly value: Uint8Array; waitingFor: number };
type Handler = (message: StreamMessage) => Promise<void>;

export class MemoryStream {
  readonly #name: StreamName;
  readonly #limits: MemoryLimits;
  /** Oldest first. */
  readonly #kept = new Set<Kept>();
  #keptBytes = 0;
  readonly #consumers = new Map<string, Consumer>();
  /** When each id was seen, oldest first. */
  readonly #seen = new Map<string, number>();

  constructor(name: StreamName, limits: MemoryLimits) {
    this.#name = name;
    this.#limits = limits;
  }

  publish({ id, value }: { id: string; value: Uint8Array }): void {
    checkValue(`${this.#name}: message ${id}`, value, this.#limits);
    this.#forgetOldIds();
    if (this.#seen.has(id)) return;
    if (this.#keptBytes + value.length > keptBytesMax)
      throw new Error(`${this.#name}: the stream holds ${this.#keptBytes} bytes that nobody has consumed, and is full`);

    this.#seen.set(id, this.#limits.nowMs());
    const message = { id, value: value.slice(), waitingFor: this.#consumers.size };
    this.#kept.add(message);
    this.#keptBytes += value.length;
    for (const consumer of this.#consumers.values()) consumer.offer(message);
  }

  consume(name: string, handler: Handler): AsyncDisposable {
    let consumer = this.#consumers.get(name);
    if (consumer === undefined) {
      consumer = new Consumer(this.#limits, (message) => this.#settle(message));
      this.#consumers.set(name, consumer);
      for (const message of this.#kept) {
        message.waitingFor++;
        consumer.offer(message);
      }
    }
    return consumer.join(handler);
  }

  #settle(message: Kept): void {
    if (--message.waitingFor > 0) return;
    this.#kept.delete(message);
    this.#keptBytes -= message.value.length;
  }

  #forgetOldIds(): void {
    const horizon = this.#limits.nowMs() - duplicateWindowMs;
    for (const [id, seenAtMs] of this.#seen) {
      if (seenAtMs > horizon) return;
      this.#seen.delete(id);
    }
  }
}

type Delivery = { readonly message: Kept; delivery: number };

/** One consumer name: a queue, and the members that share it. */
class Consumer {
  readonly #limits: MemoryLimits;
  readonly #settle: (message: Kept) => void;
  readonly #queue: Delivery[] = [];
  readonly #idle = new Set<Member>();

  constructor(limits: MemoryLimits, settle: (message: Kept) => void) {
    this.#limits = limits;
    this.#settle = settle;
  }

  offer(message: Kept): void {
    this.#queue.push({ message, delivery: 1 });
    this.#feed();
  }

  join(handler: Handler): AsyncDisposable {
    const member: Member = { handler, running: undefined, left: false };
    this.#idle.add(member);
    this.#feed();
    return {
      [Symbol.asyncDispose]: async () => {
        member.left = true;
        this.#idle.delete(member);
        await member.running;
      },
    };
  }

  #feed(): void {
    for (const member of this.#idle) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#idle.delete(member);
      member.running = this.#run(member, next);
    }
  }

  async #run(member: Member, { message, delivery }: Delivery): Promise<void> {
    try {
      // A turn later: whoever published has returned by then, as with a server between.
      await undefined;
      await member.handler({ id: message.id, value: message.value.slice(), delivery });
      this.#settle(message);
    } catch (error) {
      this.#limits.onHandlerError(error);
      this.#comeAgain({ message, delivery: delivery + 1 });
    }
    if (member.left) return;
    this.#idle.add(member);
    this.#feed();
  }

  #comeAgain(next: Delivery): void {
    setTimeout(() => {
      this.#queue.unshift(next);
      this.#feed();
    }, this.#limits.redeliverAfterMs).unref();
  }
}

type Member = { readonly handler: Handler; running: Promise<void> | undefined; left: boolean };
