/** The end of every exchange, however it came: one usage event. No path skips the books. */

import type { Outcome, UsageEvent } from "@sluice/contract";
import type { Exchange } from "../exchange.ts";

/** `instance` and `seq` are left to the spool, which numbers the events. */
export function settle(exchange: Exchange, now: number): UsageEvent {
  const { caller, fields, target, outgoing } = exchange;
  const provider = target?.provider;
  return {
    instance: "",
    seq: 0,
    requestId: exchange.id,
    startedAtMs: exchange.startedAtMs,
    durationMs: toMicroseconds(now - exchange.startedAt),
    firstByteMs:
      exchange.firstByteAt === undefined ? undefined : toMicroseconds(exchange.firstByteAt - exchange.startedAt),
    outcome: outcomeOf(exchange),
    status: outgoing.headersSent ? outgoing.statusCode : 0,
    code: exchange.code ?? exchange.refusal?.code,
    gateway: exchange.gateway?.plan.id,
    protocol: exchange.dialect.protocol,
    operation: exchange.operation?.name ?? exchange.local ?? "unknown",
    stream: fields?.stream ?? false,
    key: caller?.id,
    namespace: caller?.namespace,
    team: caller?.team,
    service: caller?.service,
    user: caller?.user,
    metadata: caller === undefined || isEmpty(caller.metadata) ? undefined : caller.metadata,
    model: fields?.model,
    route: exchange.route?.plan.id,
    target: target?.plan.name,
    provider: provider?.id,
    upstreamModel: target === undefined ? undefined : (target.plan.model ?? fields?.model),
    upstreamRequestId: exchange.upstreamRequestId,
    attempts: exchange.attempts,
    tokens: exchange.usage,
    requestBytes: exchange.body.length,
    responseBytes: exchange.responseBytes,
  };
}

function outcomeOf(exchange: Exchange): Outcome {
  if (exchange.fault !== undefined) return "Failed";
  if (exchange.outcome !== undefined) return exchange.outcome;
  if (exchange.gone) return "ClientAborted";
  if (exchange.refusal === undefined) return "Failed";
  return exchange.refusal.code.startsWith("upstream_") || exchange.refusal.code === "credential_missing"
    ? "UpstreamFailed"
    : "Refused";
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  for (const _name in record) return false;
  return true;
}

function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
