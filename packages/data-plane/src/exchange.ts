/** Exchange: the record of one request on its way through the pipeline. The only record that steps write. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { KeyEntry, Outcome } from "@sluice/contract";
import { type Dialect, dialects, type Operation, type RequestFields, type Usage } from "@sluice/protocols";
import type { RequestHeaders } from "./http/request-headers.ts";
import type { Refusal } from "./refusal.ts";
import type { GatewayRuntime, RouteRuntime, Runtime, TargetRuntime } from "./runtime/runtime.ts";

/** An object, not a closure: a field that holds a new closure for each exchange keeps exchanges alive into V8's old space (measured). */
export type Abortable = { abort(why: "gone" | "revoked" | "draining"): void };

export type Exchange = {
  readonly id: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly runtime: Runtime | undefined;
  /** In the roster of exchanges under way. */
  place: number;
  /** Wall clock, for the record; monotonic, for durations. Milliseconds. */
  readonly startedAtMs: number;
  readonly startedAt: number;

  // identify
  dialect: Dialect;
  headers: RequestHeaders | undefined;
  gateway: GatewayRuntime | undefined;
  operation: Operation | undefined;
  /** What the gateway answers itself: `models` (`modelId`: one of them), `base`. */
  local: "models" | "base" | undefined;
  modelId: string | undefined;
  /** With its question mark, or empty. */
  query: string;

  // authenticate, read body, plan
  caller: KeyEntry | undefined;
  keyHash: string | undefined;
  body: Buffer;
  fields: RequestFields | undefined;
  route: RouteRuntime | undefined;

  // attempt, relay
  target: TargetRuntime | undefined;
  attempts: number;
  upstreamRequestId: string | undefined;
  firstByteAt: number | undefined;
  usage: Usage | undefined;
  responseBytes: number;

  // how it ended
  refusal: Refusal | undefined;
  outcome: Outcome | undefined;
  /** The reason, where the outcome is not `Served`. */
  code: string | undefined;
  /** A bug that ended it: for the log, never for the caller. */
  fault: unknown;
  /** The caller went away. */
  gone: boolean;
  /** What is under way upstream, to be ended before its time. */
  underWay: Abortable | undefined;
};

export function createExchange(input: {
  id: string;
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  runtime: Runtime | undefined;
  startedAtMs: number;
  startedAt: number;
}): Exchange {
  // Written out: a spread costs as much as all that follows.
  return {
    id: input.id,
    incoming: input.incoming,
    outgoing: input.outgoing,
    runtime: input.runtime,
    startedAtMs: input.startedAtMs,
    startedAt: input.startedAt,
    place: -1,
    dialect: dialects.openai,
    headers: undefined,
    gateway: undefined,
    operation: undefined,
    local: undefined,
    modelId: undefined,
    query: "",
    caller: undefined,
    keyHash: undefined,
    body: empty,
    fields: undefined,
    route: undefined,
    target: undefined,
    attempts: 0,
    upstreamRequestId: undefined,
    firstByteAt: undefined,
    usage: undefined,
    responseBytes: 0,
    refusal: undefined,
    outcome: undefined,
    code: undefined,
    fault: undefined,
    gone: false,
    underWay: undefined,
  };
}

const empty = Buffer.alloc(0);

/** A step that refuses ends with this. */
export function refuse(exchange: Exchange, refusal: Refusal): Exchange {
  exchange.refusal = refusal;
  return exchange;
}
