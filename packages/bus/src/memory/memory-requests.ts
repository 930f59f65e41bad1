/** Requests in memory: each goes to one of those who answer, in turn. */

import { NoAnswer, type RequestName } from "@sluice/contract";
import { checkValue, type MemoryLimits } from "./memory-limits.ts";

type Handler = (value: Uint8Array) => Promise<Uint8Array>;

export class MemoryRequests {
  readonly #name: RequestName;
  readonly #limits: MemoryLimits;
  readonly #handlers: Handler[] = [];
  #turn = 0;

  constructor(name: RequestName, limits: MemoryLimits) {
    this.#name = name;
    this.#limits = limits;
  }

  async ask(value: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    checkValue(this.#name, value, this.#limits);
    const handler = this.#handlers[this.#turn++ % Math.max(1, this.#handlers.length)];
    if (handler === undefined) throw new NoAnswer(this.#name, "nobody answers");
    const request = value.slice();
    return await new Promise<Uint8Array>((resolve, reject) => {
      const timer = setTimeout(() => reject(new NoAnswer(this.#name, "not in time")), timeoutMs);
      // After the asker's own turn, as over a wire.
      queueMicrotask(() => {
        handler(request).then(
          (answer) => {
            clearTimeout(timer);
            resolve(answer.slice());
          },
          (error: unknown) => this.#limits.onHandlerError(error),
        );
      });
    });
  }

  answer(handler: Handler): AsyncDisposable {
    this.#handlers.push(handler);
    return {
      [Symbol.asyncDispose]: async () => {
        const place = this.#handlers.indexOf(handler);
        if (place >= 0) this.#handlers.splice(place, 1);
      },
    };
  }
}
