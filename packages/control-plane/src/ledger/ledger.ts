/**
 * Ledger: takes usage from the stream into the record, and tells each instance how far it has come, so that its spool may
 * forget. A batch whose recording fails is tried again until it is recorded: nothing is acknowledged before.
 */

import { type Bus, canonicalJson, type LedgerWatermark, type StreamMessage } from "@sluice/contract";
import { type Clock, sleep } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Store, UsageBatch } from "../store/store.ts";
import { pause } from "./pause.ts";

export type LedgerPorts = {
  readonly bus: Bus;
  readonly store: Pick<Store, "recordUsage">;
  readonly clock: Clock;
  readonly log: Log;
};

/** Lines in one statement. Each costs PGlite some 4 ms besides its lines' 40 µs each, so a batch of the spool goes in one. */
const linesMax = 1024;
const retryFirstMs = 200;
const retryMaxMs = 10_000;

export class Ledger implements AsyncDisposable {
  readonly #ports: LedgerPorts;
  #consumer: AsyncDisposable | undefined;
  readonly #closing = new AbortController();
  #rejected = 0;

  constructor(ports: LedgerPorts) {
    this.#ports = ports;
  }

  /** Lines set aside since the start, as no usage event could be read from them. */
  get rejected(): number {
    return this.#rejected;
  }

  async start(): Promise<void> {
    this.#consumer = await this.#ports.bus.stream("usage").consume("ledger", (message) => this.#take(message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#consumer?.[Symbol.asyncDispose]();
  }

  async #take(message: StreamMessage): Promise<void> {
    const batch = batchOf(message);
    if (batch === undefined) {
      this.#ports.log.error("a usage batch without instance and number in its id was dropped", { id: message.id });
      return;
    }
    let watermark = 0;
    for (let from = 0; from < batch.lines.length; from += linesMax) {
      const lines = batch.lines.slice(from, from + linesMax);
      watermark = await this.#record({ ...batch, firstSeq: batch.firstSeq + from, lines });
    }
    const value: LedgerWatermark = { seq: watermark };
    await this.#ports.bus.bucket("ledger").put(batch.instance, Buffer.from(canonicalJson(value)));
  }

  async #record(batch: UsageBatch): Promise<number> {
    const { signal } = this.#closing;
    for (let retryMs = retryFirstMs; ; retryMs = Math.min(2 * retryMs, retryMaxMs)) {
      const beganAt = performance.now();
      try {
        const { watermark, rejected } = await this.#ports.store.recordUsage(batch);
        this.#rejected += rejected;
        await pause(performance.now() - beganAt, this.#ports.clock, signal);
        return watermark;
      } catch (error) {
        // Closing leaves the batch with the stream: it comes again at the next start.
        if (signal.aborted) throw error;
        const { instance, firstSeq } = batch;
        this.#ports.log.error("usage could not be recorded, trying again", { instance, firstSeq, retryMs, error });
        await sleep(this.#ports.clock, retryMs, signal);
      }
    }
  }
}

/** The id of a message is `<instance>.<number of its first event>`, and perhaps more. */
function batchOf({ id, value }: StreamMessage): UsageBatch | undefined {
  const named = /^([A-Za-z0-9_-]+)\.(\d{1,15})(\.|$)/.exec(id);
  if (named === null) return undefined;
  const [, instance = "", firstSeq = ""] = named;
  const text = Buffer.from(value).toString();
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  return { instance, firstSeq: Number(firstSeq), lines };
}
