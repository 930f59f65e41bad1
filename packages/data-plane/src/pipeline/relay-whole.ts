/**
 * An answer in one piece. Held until it is complete, up to 256 KiB, so that a cut or garbled one can still become a clean error
 * or go to another target; a longer one is passed on as it comes.
 */

import type { RetryReason } from "@sluice/contract";
import { MemberCapture, parseObject, type Span, scanObject, type Usage } from "@sluice/protocols";
import type { Exchange } from "../exchange.ts";
import type { Refusal } from "../refusal.ts";
import { broken, type CallResult, type Relay, served } from "./relay.ts";
import { tellLimits } from "./tell-limits.ts";

const heldBytesMax = 256 * 1024;
const shortBytes = 8 * 1024;
const usageMembers: ReadonlySet<string> = new Set(["usage", "service_tier"]);

function parseText(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

export class WholeRelay implements Relay {
  readonly #exchange: Exchange;
  readonly #status: number;
  readonly #headers: Record<string, string | number>;
  readonly #length: number | undefined;
  readonly #provider: string;
  #held: Buffer[] = [];
  #heldBytes = 0;
  usage: Usage | undefined;
  readonly outputTextBytes = 0;
  /** Set once the answer has grown too long to hold. */
  #passing: MemberCapture | undefined;

  /** `length`: the provider's content-length. */
  constructor(
    exchange: Exchange,
    answer: { status: number; headers: Record<string, string | number>; length: number | undefined; provider: string },
  ) {
    this.#exchange = exchange;
    this.#status = answer.status;
    this.#headers = answer.headers;
    this.#length = answer.length;
    this.#provider = answer.provider;
  }

  /** It comes with the whole answer, or not at all. */
  get usageTold(): boolean {
    return this.usage !== undefined;
  }

  get hasContent(): boolean {
    return this.#heldBytes > 0 || this.#passing !== undefined;
  }

  data(piece: Buffer): "more" | "wait" {
    if (this.#passing !== undefined) return this.#pass(piece, this.#passing);
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    if (this.#heldBytes <= heldBytesMax) return "more";

    const { outgoing, gone } = this.#exchange;
    if (this.#length !== undefined) this.#headers["content-length"] = this.#length;
    if (!gone) outgoing.writeHead(this.#status, this.#headers);
    const capture = new MemberCapture("usage");
    this.#passing = capture;
    const held = this.#held;
    this.#held = [];
    return held.map((kept) => this.#pass(kept, capture)).at(-1) ?? "more";
  }

  end(): CallResult {
    const { outgoing, dialect } = this.#exchange;
    if (this.#passing !== undefined) {
      if (!this.#exchange.gone) outgoing.end();
      this.usage = dialect.readUsage(parseObject(this.#passing.value));
      return served(this.#exchange);
    }
    const body = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held);
    const scanned = scanObject(body, usageMembers);
    if (scanned.kind === "problem")
      return this.fail(
        { code: "upstream_malformed", provider: this.#provider, what: this.#describe(scanned.message) },
        "ServerError",
      );
    let [usage, tier]: (Span | undefined)[] = [];
    for (const { key, value } of scanned.members) {
      if (key === "usage") usage = value;
      else tier = value;
    }
    // Anthropic's count_tokens has no usage: counting is free.
    if (usage !== undefined)
      this.usage = dialect.readUsage(
        parseObject(body.toString("utf8", usage.start, usage.end)),
        tier === undefined ? undefined : parseText(body.toString("utf8", tier.start, tier.end)),
      );
    this.#exchange.usage = this.usage;
    if (this.#exchange.gone) return served(this.#exchange);
    tellLimits(this.#exchange, this.#headers);
    this.#headers["content-length"] = body.length;
    outgoing.writeHead(this.#status, this.#headers);
    // Node joins a text to the head in one write, and sends a buffer beside it in two.
    if (body.length <= shortBytes) outgoing.end(body.toString("latin1"), "latin1");
    else outgoing.end(body);
    this.#exchange.responseBytes = body.length;
    return served(this.#exchange);
  }

  fail(refusal: Refusal, reason: RetryReason | undefined): CallResult {
    if (this.#passing === undefined) return { kind: "failed", reason, refusal };
    // The status is out and JSON has no way to take it back: a broken connection is the only honest end.
    this.#exchange.outgoing.destroy();
    return broken(this.#exchange, refusal);
  }

  #pass(piece: Buffer, capture: MemberCapture): "more" | "wait" {
    capture.push(piece);
    // Read on for its usage alone.
    if (this.#exchange.gone) return "more";
    this.#exchange.responseBytes += piece.length;
    return this.#exchange.outgoing.write(piece) ? "more" : "wait";
  }

  #describe(problem: string): string {
    const type = String(this.#headers["content-type"] ?? "no content-type").slice(0, 60);
    const html = type.includes("html")
      ? ", which is usual when the Provider's baseUrl names a web page instead of an API"
      : "";
    return `expected JSON, got ${type} (${problem})${html}`;
  }
}
