/** What a simulator was asked, for tests to look at. Bounded in number and in bytes; the oldest goes first. */

export type RecordedRequest = {
  readonly vendor: "openai" | "anthropic" | undefined;
  readonly method: string;
  /** As it was on the request line. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly receivedAtMs: number;
  /** When the answer was complete; absent while it runs and when the caller left. */
  finishedAtMs?: number;
  /** When the caller left before the answer was complete. */
  abortedAtMs?: number;
};

const bodyBytesKeptMax = 64 * 1024 * 1024;

export class RecordedRequests {
  readonly all: RecordedRequest[] = [];
  readonly #countMax: number;
  #bytes = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  add(request: RecordedRequest): void {
    this.all.push(request);
    this.#bytes += request.body.length;
    while (this.all.length > this.#countMax || this.#bytes > bodyBytesKeptMax) {
      this.#bytes -= this.all.shift()?.body.length ?? this.#bytes;
    }
  }
}
