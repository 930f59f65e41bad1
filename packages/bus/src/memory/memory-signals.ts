/** Signals in memory: to all who listen at this moment, after the sender's own turn. */

import type { SignalName } from "@sluice/contract";
import { checkValue, type MemoryLimits } from "./memory-limits.ts";

type Handler = (value: Uint8Array) => void;

export class MemorySignals {
  readonly #name: SignalName;
  readonly #limits: MemoryLimits;
  readonly #handlers = new Set<{ readonly handle: Handler }>();

  constructor(name: SignalName, limits: MemoryLimits) {
    this.#name = name;
    this.#limits = limits;
  }

  send(value: Uint8Array): void {
    checkValue(this.#name, value, this.#limits);
    const sent = value.slice();
    for (const listener of this.#handlers) queueMicrotask(() => this.#hand(listener, sent));
  }

  listen(handle: Handler): AsyncDisposable {
    const listener = { handle };
    this.#handlers.add(listener);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#handlers.delete(listener);
      },
    };
  }

  #hand(listener: { readonly handle: Handler }, sent: Uint8Array): void {
    if (!this.#handlers.has(listener)) return;
    try {
      listener.handle(sent.slice());
    } catch (error) {
      this.#limits.onHandlerError(error);
    }
  }
}
