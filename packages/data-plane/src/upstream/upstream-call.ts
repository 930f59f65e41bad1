/**
 * One call to one target: sends, watches the deadlines, hands the answer to a relay, and tells how it ended. Whatever ends it
 * (answer, deadline, lost connection, caller gone, key revoked) ends it once, and the provider's side at the same time.
 */

import type { RetryReason } from "@sluice/contract";
import { editRequest, parseObject, type RequestFields } from "@sluice/protocols";
import type { Dispatcher } from "undici";
import type { IncomingHttpHeaders } from "undici/types/header.js";
import type { Deadlines, Timed } from "../deadlines.ts";
import type { Abortable, Exchange } from "../exchange.ts";
import type { CallResult, Relay } from "../pipeline/relay.ts";
import { StreamRelay } from "../pipeline/relay-stream.ts";
import { WholeRelay } from "../pipeline/relay-whole.ts";
import { tellLimits } from "../pipeline/tell-limits.ts";
import type { Refusal } from "../refusal.ts";
import type { RouteRuntime, TargetRuntime } from "../runtime/runtime.ts";
import { answerHeaders, upstreamRequestId } from "./answer-headers.ts";
import { ForbiddenAddress } from "./guarded-connect.ts";

/** Error bodies are short; the rest of a longer one is not read. */
const errorBytesMax = 64 * 1024;
/** A caller who takes nothing for this long is taken for gone. */
const callerStallMs = 60_000;

export type CallInput = {
  readonly exchange: Exchange;
  readonly target: TargetRuntime;
  readonly pool: Dispatcher;
  readonly headers: string[];
  /** Whether another call may follow, so that status and opening events are held. */
  readonly hold: boolean;
  readonly deadlines: Deadlines;
};

export function callUpstream(input: CallInput): Promise<CallResult> {
  return new Promise((resolve) => new UpstreamCall(input, resolve).send());
}

class UpstreamCall implements Timed, Abortable, Dispatcher.DispatchHandler {
  place = -1;
  readonly #input: CallInput;
  readonly #resolve: (result: CallResult) => void;
  readonly #timeouts: RouteRuntime["plan"]["timeouts"];
  #controller: Dispatcher.DispatchController | undefined;
  #relay: Relay | undefined;
  /** An answer that is an error, being read. */
  #error: { status: number; headers: IncomingHttpHeaders; parts: Buffer[]; bytes: number } | undefined;
  #over = false;
  #ended = false;
  #pausedAt: number | undefined;
  /** Nobody reads the answer any more; its usage is waited for. */
  #isDraining = false;
  #firstByteBy: number;
  #idleBy = Number.POSITIVE_INFINITY;
  readonly #totalBy: number;

  constructor(input: CallInput, resolve: (result: CallResult) => void) {
    this.#input = input;
    this.#resolve = resolve;
    const { exchange } = input;
    this.#timeouts = (exchange.route as RouteRuntime).plan.timeouts;
    const stream = exchange.fields?.stream === true && exchange.operation?.streams === true;
    const now = input.deadlines.now();
    this.#firstByteBy =
      stream || this.#timeouts.firstByteForWhole ? now + this.#timeouts.firstByteMs : Number.POSITIVE_INFINITY;
    this.#totalBy = exchange.startedAt + this.#timeouts.totalMs;
  }

  send(): void {
    const { exchange, target, pool, headers, deadlines } = this.#input;
    const { provider, plan } = target;
    const fields = exchange.fields as RequestFields;
    // Usage of OpenAI's streams comes only on request; completions and chat alike.
    const askUsage = exchange.operation?.protocol === "openai" && exchange.operation.streams;
    const edits = { model: plan.model, askUsage, outputCap: exchange.outputCap, capName: provider.outputCapField };
    const body = editRequest(exchange.body, fields, edits);
    exchange.underWay = this;
    deadlines.add(this);
    try {
      pool.dispatch(
        { path: `${provider.basePath}${exchange.operation?.path}${exchange.query}`, method: "POST", headers, body },
        this,
      );
    } catch (error) {
      this.onResponseError(undefined, error as Error);
    }
  }

  check(now: number): void {
    if (this.#pausedAt !== undefined && now - this.#pausedAt > callerStallMs) {
      this.#input.exchange.outgoing.destroy();
      return this.#finish({ kind: "gone" });
    }
    if (now >= this.#totalBy) return this.#timeOut("total", this.#timeouts.totalMs);
    if (this.#relay?.hasContent !== true && now >= this.#firstByteBy)
      return this.#timeOut("firstByte", this.#timeouts.firstByteMs);
    if (this.#pausedAt === undefined && now >= this.#idleBy) return this.#timeOut("idle", this.#timeouts.idleMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#input.exchange.sent = true;
    if (this.#over) controller.abort(new CallOver());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (this.#over || status < 200) return;
    const { exchange, hold, deadlines, target } = this.#input;
    exchange.upstreamRequestId = upstreamRequestId(headers);
    this.#idleBy = deadlines.coarseNow + this.#timeouts.idleMs;
    if (status >= 300) {
      this.#error = { status, headers, parts: [], bytes: 0 };
      return;
    }
    const passed = answerHeaders(exchange.id, headers);
    const provider = target.provider.id;
    const type = String(headers["content-type"] ?? "");
    if (exchange.fields?.stream === true && type.startsWith("text/event-stream")) {
      const withholdUsage =
        exchange.operation?.protocol === "openai" && exchange.fields.streamOptions?.includeUsage !== true;
      tellLimits(exchange, passed);
      this.#relay = new StreamRelay(exchange, { status, headers: passed, provider, hold, withholdUsage });
    } else {
      const length = headers["content-length"];
      this.#relay = new WholeRelay(exchange, {
        status,
        headers: passed,
        provider,
        length: typeof length === "string" ? Number(length) : undefined,
      });
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#over) return;
    if (this.#error !== undefined) return this.#errorData(piece);
    const relay = this.#relay;
    if (relay === undefined) return;
    const { exchange, deadlines } = this.#input;
    this.#idleBy = deadlines.coarseNow + this.#timeouts.idleMs;
    const flow = this.#guarded(() => relay.data(piece));
    if (relay.hasContent && exchange.firstByteAt === undefined) exchange.firstByteAt = deadlines.now();
    if (flow === "wait" && this.#isDraining) return;
    if (flow === "wait") this.#pause(controller);
    else if (flow !== "more") this.#finish(flow);
  }

  onResponseEnd(): void {
    if (this.#over) return;
    this.#ended = true;
    const relay = this.#relay;
    if (relay !== undefined) this.#finish(this.#guarded(() => relay.end()));
    else this.#finish(this.#errorResult());
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#over) return;
    this.#ended = true;
    const provider = this.#input.target.provider.id;
    if (this.#relay !== undefined)
      return this.#finish(this.#relay.fail({ code: "upstream_closed", provider }, "ConnectFailure"));
    if (this.#error !== undefined) return this.#finish(this.#errorResult());
    // A wrong certificate or a forbidden address is wrong at the next attempt too, but another target may do.
    this.#finish({
      kind: "failed",
      reason: "ConnectFailure",
      refusal: { code: "upstream_connect", provider, reason: connectReason(error) },
    });
  }

  #pause(controller: Dispatcher.DispatchController): void {
    const { exchange, deadlines } = this.#input;
    controller.pause();
    this.#pausedAt = deadlines.now();
    exchange.outgoing.once("drain", () => {
      this.#pausedAt = undefined;
      this.#idleBy = deadlines.now() + this.#timeouts.idleMs;
      if (!this.#over) controller.resume();
    });
  }

  abort(why: "gone" | "revoked" | "draining"): void {
    const { exchange } = this.#input;
    if (why === "gone") return this.#callerGone();
    const refusal: Refusal =
      why === "revoked" ? { code: "key_revoked", key: exchange.caller?.id ?? "" } : { code: "draining" };
    this.#finish(this.#relay?.fail(refusal, undefined) ?? { kind: "failed", reason: undefined, refusal });
  }

  /** Ends the provider's side as well, unless the Route wants to know what the answer costs: then it is read to its end, by nobody. */
  #callerGone(): void {
    const { exchange } = this.#input;
    const isDrained = exchange.route?.plan.onAbort === "DrainForUsage" && exchange.sent;
    if (!isDrained) return this.#finish({ kind: "gone" });
    this.#isDraining = true;
    if (this.#pausedAt === undefined) return;
    this.#pausedAt = undefined;
    this.#controller?.resume();
  }

  #timeOut(deadline: "firstByte" | "idle" | "total", afterMs: number): void {
    const refusal: Refusal = { code: "upstream_timeout", provider: this.#input.target.provider.id, deadline, afterMs };
    // Past the total there is no time for another target.
    const reason: RetryReason | undefined = deadline === "total" ? undefined : "Timeout";
    this.#finish(this.#relay?.fail(refusal, reason) ?? { kind: "failed", reason, refusal });
  }

  /** A fault of ours in a callback of undici's must end this call, not the connection's other ones. */
  #guarded<T>(step: () => T): T | CallResult {
    try {
      return step();
    } catch (error) {
      this.#input.exchange.fault = error;
      if (this.#input.exchange.outgoing.headersSent) this.#input.exchange.outgoing.destroy();
      return { kind: "failed", reason: undefined, refusal: { code: "internal_error" } };
    }
  }

  #finish(result: CallResult): void {
    if (this.#over) return;
    this.#over = true;
    const { exchange, deadlines } = this.#input;
    deadlines.remove(this);
    exchange.underWay = undefined;
    if (this.#relay !== undefined) {
      exchange.usage = this.#relay.usage;
      exchange.usageTold = this.#relay.usageTold;
      exchange.outputTextBytes = this.#relay.outputTextBytes;
    }
    if (!this.#ended) this.#controller?.abort(new CallOver());
    this.#resolve(result);
  }

  #errorData(piece: Buffer): void {
    const error = this.#error;
    if (error === undefined) return;
    error.parts.push(piece);
    error.bytes += piece.length;
    if (error.bytes > errorBytesMax) this.#finish(this.#errorResult());
  }

  #errorResult(): CallResult {
    const { status, headers, parts } = this.#error ?? { status: 502, headers: {}, parts: [] };
    const provider = this.#input.target.provider.id;
    if (status < 400)
      return { kind: "failed", reason: undefined, refusal: { code: "upstream_redirect", provider, status } };
    // The provider's words about our credential are for the operator: they quote parts of it.
    if (status === 401 || status === 407)
      return { kind: "failed", reason: undefined, refusal: { code: "upstream_authentication", provider, status } };
    return {
      kind: "failed",
      reason: reasonOf(status),
      status,
      retryAfterMs: retryAfterMs(headers),
      refusal: { code: "upstream_closed", provider },
      passOn: () => this.#passError(status, headers, Buffer.concat(parts).subarray(0, errorBytesMax)),
    };
  }

  /** An error in the provider's own words. One that is not in the protocol's shape is put into it: SDKs read nothing else. */
  #passError(status: number, upstream: IncomingHttpHeaders, told: Buffer): void {
    const { exchange } = this.#input;
    const object = parseObject(told.toString("utf8"));
    const shaped = object !== undefined && object.error !== null && typeof object.error === "object";
    const body = shaped ? told : Buffer.from(this.#wrapped(status, told, object));
    const headers = answerHeaders(exchange.id, upstream);
    headers["content-type"] = "application/json";
    headers["content-length"] = body.length;
    headers["x-sluice-error-source"] = "upstream";
    exchange.outgoing.writeHead(status, headers);
    exchange.outgoing.end(body);
    exchange.responseBytes = body.length;
    exchange.outcome = "UpstreamError";
    exchange.code = `upstream_${status}`;
  }

  #wrapped(status: number, told: Buffer, object: Record<string, unknown> | undefined): string {
    const { exchange, target } = this.#input;
    const own = object?.message ?? object?.error ?? object?.detail;
    const text =
      typeof own === "string"
        ? own
        : told
            .toString("utf8")
            .replace(/<[^>]*>/g, " ")
            .replace(/\s+/g, " ")
            .trim();
    const words = text === "" ? "no message" : text.slice(0, 500);
    return exchange.dialect.buildError({
      status,
      code: `upstream_${status}`,
      message: `Provider ${target.provider.id} answered ${status}: ${words} (request ${exchange.id})`,
      requestId: exchange.id,
    });
  }
}

/** Why we ended a call; only undici sees it. */
class CallOver extends Error {
  override readonly name = "CallOver";
  constructor() {
    super("The exchange is over");
  }
}

function reasonOf(status: number): RetryReason | undefined {
  if (status === 429) return "RateLimited";
  if (status === 408) return "Timeout";
  return status >= 500 ? "ServerError" : undefined;
}

/** Undefined: not told, or told as a date, which no provider of models does. */
function retryAfterMs(headers: IncomingHttpHeaders): number | undefined {
  const exact = Number(headers["retry-after-ms"]);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const seconds = Number(headers["retry-after"]);
  return headers["retry-after"] !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** Words for a person, without addresses. */
function connectReason(error: Error): string {
  if (error instanceof ForbiddenAddress)
    return "its name leads to a link-local or metadata address, which is never connected to";
  const code = (error as { code?: unknown }).code;
  switch (code) {
    case "ECONNREFUSED":
      return "connection refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "its host name does not resolve";
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return "the connection was not accepted in time";
    case "ECONNRESET":
    case "UND_ERR_SOCKET":
    case "EPIPE":
      return "the connection was closed before an answer";
    default:
      return typeof code === "string" && /CERT|TLS|SSL|SELF_SIGNED|ALTNAME/.test(code)
        ? `its TLS certificate is not accepted (${code})`
        : "the connection failed";
  }
}
