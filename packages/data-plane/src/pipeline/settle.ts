/**
 * The end of every exchange, however it came: one usage event. No path skips the books. The event is written as the JSON that
 * travels, part by part, since it is made for every call: the parts about caller, route and target are the same from call to call.
 */

import type { KeyEntry, Outcome } from "@sluice/contract";
import type { Usage } from "@sluice/protocols";
import type { Exchange } from "../exchange.ts";
import { billMembers } from "../limits/bill.ts";
import type { RouteRuntime, TargetRuntime } from "../runtime/runtime.ts";

/** Members of a `UsageEvent` as JSON, but for `instance` and `seq`, which the spool gives: `"requestId":"…","startedAtMs":…` */
export function settle(exchange: Exchange, now: number): string {
  const { outgoing, usage } = exchange;
  const code = exchange.code ?? exchange.refusal?.code;
  return (
    `"requestId":"${exchange.id}","startedAtMs":${exchange.startedAtMs},"durationMs":${milliseconds(now - exchange.startedAt)}` +
    (exchange.firstByteAt === undefined
      ? ""
      : `,"firstByteMs":${milliseconds(exchange.firstByteAt - exchange.startedAt)}`) +
    `,"outcome":"${outcomeOf(exchange)}","status":${outgoing.headersSent ? outgoing.statusCode : 0}` +
    (code === undefined ? "" : `,"code":${JSON.stringify(code)}`) +
    calledPart(exchange) +
    (exchange.upstreamRequestId === undefined
      ? ""
      : `,"upstreamRequestId":${JSON.stringify(exchange.upstreamRequestId)}`) +
    `,"attempts":${exchange.attempts}` +
    // Counts that cannot be would spoil every sum of tokens.
    (usage === undefined || usage.inconsistent === true ? "" : tokensPart(usage)) +
    (exchange.bill === undefined ? "" : billMembers(exchange.bill)) +
    `,"requestBytes":${exchange.body.length},"responseBytes":${exchange.responseBytes}`
  );
}

/**
 * The same of an exchange under way, without its bill: what becomes of its record if the process does not live to see its end.
 * `attempts`: those made once the one that is about to begin has begun.
 */
export function heldMembers(exchange: Exchange, attempts: number): string {
  return (
    `"requestId":"${exchange.id}","startedAtMs":${exchange.startedAtMs},"durationMs":0,"outcome":"Failed","status":0` +
    ',"code":"process_killed"' +
    calledPart(exchange) +
    `,"attempts":${attempts},"requestBytes":${exchange.body.length},"responseBytes":0`
  );
}

/** Who asked for what, and whom it went to. */
function calledPart(exchange: Exchange): string {
  const { fields, operation, caller, route, target, gateway } = exchange;
  return (
    (gateway === undefined ? "" : `,"gateway":"${gateway.plan.id}"`) +
    `,"protocol":"${exchange.dialect.protocol}","operation":"${operation?.name ?? exchange.local ?? "unknown"}"` +
    `,"stream":${fields?.stream === true}` +
    (caller === undefined ? "" : callerPart(caller)) +
    claimsPart(exchange) +
    // Read from a body only when it has the letters of a model's name.
    (fields === undefined ? "" : `,"model":"${fields.model}"`) +
    (route === undefined ? "" : routePart(route)) +
    (target === undefined ? "" : `${targetPart(target)},"upstreamModel":"${target.plan.model ?? fields?.model ?? ""}"`)
  );
}

const callers = new WeakMap<KeyEntry, string>();
const metadatas = new WeakMap<KeyEntry, string>();
const routes = new WeakMap<RouteRuntime, string>();
const targets = new WeakMap<TargetRuntime, string>();

function callerPart(caller: KeyEntry): string {
  const known = callers.get(caller);
  if (known !== undefined) return known;
  const { id: key, namespace, team, service, user } = caller;
  const part = members({ key, namespace, team, service, user });
  callers.set(caller, part);
  return part;
}

/** The key's metadata, and what the call says beyond it. */
function claimsPart({ caller, claimedUser, claimedMetadata, run }: Exchange): string {
  const known = caller?.metadata ?? {};
  if (claimedUser === undefined && claimedMetadata === undefined && run === undefined)
    return caller === undefined ? "" : metadataPart(caller);
  const metadata = { ...claimedMetadata, ...known };
  return members({ claimedUser, run, metadata: Object.keys(metadata).length === 0 ? undefined : metadata });
}

function metadataPart(caller: KeyEntry): string {
  const known = metadatas.get(caller);
  if (known !== undefined) return known;
  const { metadata } = caller;
  const part = Object.keys(metadata).length === 0 ? "" : members({ metadata });
  metadatas.set(caller, part);
  return part;
}

function routePart(route: RouteRuntime): string {
  const known = routes.get(route);
  if (known !== undefined) return known;
  const part = members({ route: route.plan.id });
  routes.set(route, part);
  return part;
}

function targetPart(target: TargetRuntime): string {
  const known = targets.get(target);
  if (known !== undefined) return known;
  const part = members({ target: target.plan.name, provider: target.provider.id });
  targets.set(target, part);
  return part;
}

/** As they stand inside an object after others; what is undefined is left out. */
function members(object: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(object).slice(1, -1);
  return text === "" ? "" : `,${text}`;
}

function tokensPart(usage: Usage): string {
  return (
    `,"tokens":{"input":${usage.input},"inputAudio":${usage.inputAudio},"cacheRead":${usage.cacheRead}` +
    `,"cacheWrite5m":${usage.cacheWrite5m},"cacheWrite1h":${usage.cacheWrite1h},"cacheWriteOther":${usage.cacheWriteOther}` +
    `,"output":${usage.output},"outputReasoning":${usage.outputReasoning},"outputAudio":${usage.outputAudio}` +
    optional("inputImage", usage.inputImage) +
    optional("outputImage", usage.outputImage) +
    optional("webSearches", usage.webSearches) +
    optional("webFetches", usage.webFetches) +
    "}"
  );
}

function optional(name: string, count: number | undefined): string {
  return count === undefined || count === 0 ? "" : `,"${name}":${count}`;
}

function outcomeOf(exchange: Exchange): Outcome {
  if (exchange.fault !== undefined) return "Failed";
  if (exchange.outcome !== undefined) return exchange.outcome;
  if (exchange.gone) return "ClientAborted";
  if (exchange.refusal === undefined) return "Failed";
  const { code } = exchange.refusal;
  return code.startsWith("upstream_") || code === "credential_missing" ? "UpstreamFailed" : "Refused";
}

/** To the microsecond. */
function milliseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
