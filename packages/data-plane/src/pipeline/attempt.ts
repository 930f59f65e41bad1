/**
 * Which target, and what after it has failed: by weight inside a tier, tier after tier, until one has answered, the Route's
 * retries are used up, or the failure is one that no other target would mend.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { TargetOrder } from "@sluice/routing";
import type { Deadlines } from "../deadlines.ts";
import { type Exchange, refuse } from "../exchange.ts";
import type { LimitDesk } from "../limits/limit-desk.ts";
import type { RouteRuntime, TargetRuntime } from "../runtime/runtime.ts";
import type { Secret } from "../secret.ts";
import type { OriginPools } from "../upstream/origin-pools.ts";
import { upstreamHeaders } from "../upstream/request-headers.ts";
import { callUpstream } from "../upstream/upstream-call.ts";
import { admit } from "./admit.ts";
import { charge, closeAttempt } from "./charge.ts";
import type { CallResult } from "./relay.ts";

/** Before a target is called again: doubling, with full jitter. */
const backoffFirstMs = 250;
const backoffMaxMs = 2_000;

export type AttemptPorts = {
  readonly credentials: ReadonlyMap<string, Secret>;
  readonly pools: OriginPools;
  readonly deadlines: Deadlines;
  readonly desk: LimitDesk;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
};

export async function attempt(exchange: Exchange, ports: AttemptPorts): Promise<Exchange> {
  const route = exchange.route as RouteRuntime;
  const { protocol } = exchange.dialect;
  /** Targets that this call may not use: stopped, or without a price. */
  const closed: TargetRuntime[] = [];
  const order = new TargetOrder(route.turns, (tier, index) => {
    const target = targetAt(route, tier, index);
    return target.provider.protocol === protocol && !closed.includes(target);
  });
  const { retry } = route.plan;
  let last: Extract<CallResult, { kind: "failed" }> | undefined;
  for (let call = 0; ; call++) {
    const pick = order.next();
    if (pick === undefined && last !== undefined) return giveUp(exchange, last);
    if (pick === undefined) throw new Error(`Route ${route.plan.id} has no target for this protocol`);
    const target = targetAt(route, pick.tier, pick.index);
    const mayRetry = call < retry.attempts;
    beginAttempt(exchange, target);
    const admission = admit(exchange, target, ports.desk);
    const admitted = admission instanceof Promise ? await admission : admission;
    if (exchange.gone) {
      exchange.outcome = "ClientAborted";
      return exchange;
    }
    if (admitted.kind === "unusable") {
      closed.push(target);
      last ??= { kind: "failed", reason: undefined, refusal: admitted.refusal };
      call--;
      continue;
    }
    // What the last provider said tells its caller more than that there was no room for another try.
    if (admitted.kind !== "admitted")
      return giveUp(exchange, last ?? { kind: "failed", reason: undefined, refusal: admitted.refusal });
    const result = await callTarget(exchange, target, mayRetry, ports);
    charge(exchange, result);
    if (result.kind === "failed") last = result;
    if (result.kind === "gone" || exchange.gone) {
      exchange.outcome = "ClientAborted";
      return exchange;
    }
    if (result.kind === "answered") return exchange;
    if (!mayRetry || result.reason === undefined || !retry.on.includes(result.reason)) return giveUp(exchange, result);
    closeAttempt(exchange, ports.desk);
    if (!order.hasUntried() && !(await waited(exchange, call, result.retryAfterMs, ports.random)))
      return giveUp(exchange, result);
    if (exchange.refusal !== undefined) return exchange;
  }
}

/** What the attempt before it has sent and heard is on the bill: nothing of it may count once more. */
function beginAttempt(exchange: Exchange, target: TargetRuntime): void {
  exchange.target = target;
  exchange.sent = false;
  exchange.usage = undefined;
  exchange.usageTold = false;
  exchange.outputTextBytes = 0;
}

function callTarget(
  exchange: Exchange,
  target: TargetRuntime,
  hold: boolean,
  ports: AttemptPorts,
): Promise<CallResult> {
  const { caller, headers } = exchange;
  if (caller === undefined || headers === undefined) throw new Error("attempt runs after authenticate");
  const { provider } = target;
  const sent = upstreamHeaders({ provider, caller, forward: headers.forward, credentials: ports.credentials });
  if (sent.kind === "credential-missing") {
    return Promise.resolve({
      kind: "failed",
      reason: "ConnectFailure",
      refusal: { code: "credential_missing", provider: provider.id },
    });
  }
  exchange.attempts++;
  return callUpstream({
    exchange,
    target,
    pool: ports.pools.get(provider.origin),
    headers: sent.list,
    hold,
    deadlines: ports.deadlines,
  });
}

/** The last failure is the caller's answer: in the provider's own words where it had any. */
function giveUp(exchange: Exchange, failed: Extract<CallResult, { kind: "failed" }>): Exchange {
  if (failed.passOn === undefined) return refuse(exchange, failed.refusal);
  failed.passOn();
  return exchange;
}

/** False: the provider asks for a longer wait than a caller should be kept; its own retry is better. */
async function waited(
  exchange: Exchange,
  call: number,
  retryAfterMs: number | undefined,
  random: () => number,
): Promise<boolean> {
  if (retryAfterMs !== undefined && retryAfterMs > backoffMaxMs) return false;
  const waitMs = retryAfterMs ?? random() * Math.min(backoffMaxMs, backoffFirstMs * 2 ** call);
  const ended = new AbortController();
  exchange.underWay = {
    abort(why) {
      if (why === "revoked") refuse(exchange, { code: "key_revoked", key: exchange.caller?.id ?? "" });
      if (why === "draining") refuse(exchange, { code: "draining" });
      ended.abort();
    },
  };
  await sleep(waitMs, undefined, { signal: ended.signal }).catch(() => undefined);
  exchange.underWay = undefined;
  return !exchange.gone;
}

function targetAt(route: RouteRuntime, tier: number, index: number): TargetRuntime {
  const target = route.tiers[tier]?.[index];
  if (target === undefined) throw new Error(`Route ${route.plan.id} has no target ${tier}/${index}`);
  return target;
}
