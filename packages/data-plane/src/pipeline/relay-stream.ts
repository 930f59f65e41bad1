/**
 * A stream of server-sent events, passed on event by event. While another target could still be tried, status and events without
 * content are held; the first content commits. A stream that breaks off after that ends in the protocol's own error event.
 */

import type { RetryReason } from "@sluice/contract";
import { estimateInputTokens } from "@sluice/metering";
import { EventSplitter, EventTooLong, type StreamReader, type Usage } from "@sluice/protocols";
import type { Exchange } from "../exchange.ts";
import type { Refusal } from "../refusal.ts";
import { refusalEvent } from "./answer-refusal.ts";
import { broken, type CallResult, type Relay, served } from "./relay.ts";
import { costComment } from "./tell-limits.ts";

/** Opening events are a few hundred bytes; more than this is not held back. */
const heldBytesMax = 64 * 1024;

export class StreamRelay implements Relay {
  readonly #exchange: Exchange;
  readonly #status: number;
  readonly #headers: Record<string, string | number>;
  readonly #provider: string;
  readonly #splitter = new EventSplitter();
  readonly #reader: StreamReader;
  /** Whether the usage event was asked for by us alone. */
  readonly #withholdUsage: boolean;
  /** Each event with content is a token at least: more than the cap that was sent is more than was reserved. */
  readonly #contentEventsMax: number;
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  hasContent = false;

  constructor(
    exchange: Exchange,
    answer: {
      status: number;
      headers: Record<string, string | number>;
      provider: string;
      hold: boolean;
      withholdUsage: boolean;
    },
  ) {
    this.#exchange = exchange;
    this.#status = answer.status;
    this.#headers = answer.headers;
    this.#provider = answer.provider;
    this.#withholdUsage = answer.withholdUsage;
    this.#reader = exchange.dialect.createStreamReader(choicesOf(exchange));
    this.#contentEventsMax = (exchange.outputCap ?? Number.POSITIVE_INFINITY) * choicesOf(exchange);
    if (answer.hold) this.#held = [];
    else this.#writeHead();
  }

  get usage(): Usage | undefined {
    return this.#reader.usage;
  }

  get usageTold(): boolean {
    return this.#reader.usageTold;
  }

  get outputTextBytes(): number {
    return this.#reader.contentBytes;
  }

  data(piece: Buffer): "more" | "wait" | CallResult {
    let events: Buffer[];
    try {
      events = this.#splitter.push(piece);
    } catch (error) {
      if (!(error instanceof EventTooLong)) throw error;
      return this.fail({ code: "upstream_malformed", provider: this.#provider, what: error.message }, "ServerError");
    }
    return this.#take(events);
  }

  end(): CallResult {
    const rest = this.#splitter.rest();
    // Some servers leave out the blank line after their last event; clients would lose it.
    if (rest.length > 0) {
      const taken = this.#take([Buffer.concat([rest, Buffer.from("\n\n")])]);
      if (typeof taken !== "string") return taken;
    }
    if (!this.#reader.complete()) {
      const refusal: Refusal =
        this.hasContent || this.#heldBytes > 0
          ? { code: "upstream_closed", provider: this.#provider }
          : { code: "upstream_malformed", provider: this.#provider, what: "the stream holds no event" };
      return this.fail(refusal, "ServerError");
    }
    this.#commit();
    this.#exchange.usage = this.#reader.usageTold ? this.#reader.usage : undefined;
    if (!this.#exchange.gone) this.#exchange.outgoing.end(costComment(this.#exchange));
    return served(this.#exchange);
  }

  fail(refusal: Refusal, reason: RetryReason | undefined): CallResult {
    if (this.#held !== undefined) return { kind: "failed", reason, refusal };
    if (!this.#exchange.gone) this.#exchange.outgoing.end(refusalEvent(this.#exchange, refusal));
    return broken(this.#exchange, refusal);
  }

  #take(events: readonly Buffer[]): "more" | "wait" | CallResult {
    let flow: "more" | "wait" = "more";
    for (const event of events) {
      const mark = this.#reader.read(event);
      if (mark === "error") return this.#providerError(event);
      if (mark === "usage" && this.#withholdUsage) continue;
      if (mark === "content" && !this.hasContent) {
        this.hasContent = true;
        this.#commit();
      }
      if (this.#reader.contentEvents > this.#contentEventsMax) return this.#endAtCap();
      if (this.#write(event) === "wait") flow = "wait";
    }
    return flow;
  }

  /** The provider does not keep to the cap: the stream ends in its protocol's own way, as one that has reached its length. */
  #endAtCap(): CallResult {
    const exchange = this.#exchange;
    const outputTokens = this.#contentEventsMax;
    const end = exchange.dialect.buildLengthEnd({
      state: this.#reader.state,
      inputTokens: this.#reader.usage?.input ?? estimateInputTokens(exchange.body.length),
      outputTokens,
      usageAsked: exchange.fields?.streamOptions?.includeUsage === true,
    });
    this.#commit();
    this.#write(Buffer.from(end));
    exchange.outgoing.end();
    exchange.code = "output_cap_ignored";
    return served(exchange);
  }

  #write(event: Buffer): "more" | "wait" {
    // Read on for its usage alone.
    if (this.#exchange.gone) return "more";
    if (this.#held === undefined) {
      this.#exchange.responseBytes += event.length;
      return this.#exchange.outgoing.write(event) ? "more" : "wait";
    }
    this.#held.push(event);
    this.#heldBytes += event.length;
    if (this.#heldBytes > heldBytesMax) this.#commit();
    return "more";
  }

  #commit(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#writeHead();
    for (const event of held) this.#write(event);
  }

  #writeHead(): void {
    const { outgoing, gone } = this.#exchange;
    if (gone) return;
    outgoing.writeHead(this.#status, this.#headers);
    outgoing.flushHeaders();
  }

  /** The provider's own error event: its type and words reach the caller, now or when nothing else could be tried. */
  #providerError(event: Buffer): CallResult {
    const exchange = this.#exchange;
    const error = this.#reader.error;
    const passOn = () => {
      this.#commit();
      this.#write(event);
      exchange.outgoing.end();
      exchange.outcome = "UpstreamError";
      exchange.code = `upstream_${error?.type ?? "error"}`.slice(0, 100);
    };
    if (this.#held === undefined) {
      passOn();
      return { kind: "answered" };
    }
    const reason: RetryReason | undefined = /rate_limit/.test(error?.type ?? "")
      ? "RateLimited"
      : /invalid|permission|not_found/.test(error?.type ?? "")
        ? undefined
        : "ServerError";
    return { kind: "failed", reason, passOn, refusal: { code: "upstream_closed", provider: this.#provider } };
  }
}

/** Several answers, or several prompts that are each answered. */
function choicesOf({ features, fields }: Exchange): number {
  return features?.choices ?? fields?.choices ?? 1;
}
