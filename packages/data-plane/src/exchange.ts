/** Exchange: the record of one request on its way through the pipeline. The only record that steps write. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { KeyEntry, Outcome } from "@sluice/contract";
import {
  type Dialect,
  dialects,
  type Operation,
  type RequestFeatures,
  type RequestFields,
  type Usage,
} from "@sluice/protocols";
import type { RequestHeaders } from "./http/request-headers.ts";
import type { AttemptHold, Reservation } from "./limits/attempt-hold.ts";
import type { Bill } from "./limits/bill.ts";
import type { LimitDesk } from "./limits/limit-desk.ts";
import type { AppliedRule } from "./limits/limit-table.ts";
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
  /** What the gateway answers itself: `models` (`modelId`: one of them), `prices`, `base`. */
  local: "models" | "prices" | "base" | undefined;
  modelId: string | undefined;
  /** With its question mark, or empty. */
  query: string;

  // authenticate, read body, plan
  caller: KeyEntry | undefined;
  keyHash: string | undefined;
  body: Buffer;
  fields: RequestFields | undefined;
  route: RouteRuntime | undefined;

  // attribute: claims, beside what the key proves
  claimedUser: string | undefined;
  claimedMetadata: Readonly<Record<string, string>> | undefined;
  run: string | undefined;

  // admit
  /** What the attempt under way holds of the limits; undefined between attempts. */
  hold: AttemptHold | undefined;
  /** What of the body decides the worst case; read where a limit asks. */
  features: RequestFeatures | undefined;
  /** The output cap was lowered to what fits. */
  isClamped: boolean;
  /** The latest attempt, over, with what its accounts are charged; not in the books yet. */
  ended: { readonly hold: AttemptHold; readonly costs: readonly number[] } | undefined;
  /** The most tokens that an answer may have, where policy says so. */
  outputCap: number | undefined;
  /** Calls and slots, each limit's taken once for all attempts: by the first, and by those that reach further providers. */
  callHolds: readonly Reservation[];
  /** What the attempt is charged under, and who knows how that stands. */
  rules: readonly AppliedRule[] | undefined;
  desk: LimitDesk | undefined;
  bill: Bill | undefined;

  // attempt, relay
  /** Whether the attempt's request has gone out, so that its provider may bill it. */
  sent: boolean;
  /** The provider has told the whole usage of the attempt. */
  usageTold: boolean;
  /** UTF-8 bytes of the attempt's content so far. */
  outputTextBytes: number;
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
    claimedUser: undefined,
    claimedMetadata: undefined,
    run: undefined,
    hold: undefined,
    features: undefined,
    isClamped: false,
    ended: undefined,
    outputCap: undefined,
    callHolds: none,
    rules: undefined,
    desk: undefined,
    bill: undefined,
    sent: false,
    usageTold: false,
    outputTextBytes: 0,
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
const none: readonly Reservation[] = [];

/** A step that refuses ends with this. */
export function refuse(exchange: Exchange, refusal: Refusal): Exchange {
  exchange.refusal = refusal;
  return exchange;
}
