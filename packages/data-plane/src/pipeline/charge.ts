/**
 * How an attempt ended, as far as money goes, and so what it is charged. The rule of each end is in `docs/limits.md`: what is
 * known not to be billed is free, what the vendor told is its cost, and all else counts at its worst case.
 */

import { inputTokensOf, outputTokensOf } from "@sluice/metering";
import type { Exchange } from "../exchange.ts";
import { type AttemptHold, chargedAmount } from "../limits/attempt-hold.ts";
import { addCharge } from "../limits/bill.ts";
import { type AttemptEnd, type Charge, chargeOf } from "../limits/charge.ts";
import { billParts, callCost, type LimitDesk } from "../limits/limit-desk.ts";
import { targetName } from "../limits/raised-bounds.ts";
import type { CallResult } from "./relay.ts";

/** Answers of a proxy between us and a model that may go on working. */
const unknownStatuses: ReadonlySet<number> = new Set([408, 502, 504, 520, 521, 522, 523, 524]);

/**
 * Reckons what the attempt under way has cost, and puts it on the bill. Called once for each attempt that was admitted, however it
 * ended; `exchange.ended` waits for the books until it is known whether another attempt follows.
 */
export function charge(exchange: Exchange, result: CallResult | undefined): void {
  const { hold, bill } = exchange;
  if (hold === undefined || bill === undefined) return;
  exchange.hold = undefined;
  const charged = chargeOf(endOf(exchange, result), { ...hold, requestBytes: exchange.body.length });
  addCharge(bill, charged, hold.price?.version);
  if (charged.reason === "Overrun") raiseBound(exchange, hold);
  bill.serviceTier = exchange.usage?.serviceTier ?? bill.serviceTier;
  exchange.ended = { hold, costs: billParts(hold, bill, (unit) => chargedAmount(unit, charged)) };
}

/** What this target has counted once it may count again. */
function raiseBound({ desk, target, fields, usage }: Exchange, { worst }: AttemptHold): void {
  if (worst === undefined || usage === undefined || target === undefined) return;
  const by = {
    input: inputTokensOf(usage) > worst.inputTokens,
    output: outputTokensOf(usage) > worst.outputTokens,
  };
  desk?.raisedBounds.raise(targetName(target, fields?.model ?? ""), by);
}

/** The exchange is over: what its limits on calls have counted goes on the bill too. Called once. */
export function chargeCall({ callHolds, bill }: Exchange): void {
  if (bill !== undefined) for (const hold of callHolds) billParts(hold, bill, callCost);
}

/** Another attempt follows: the books of this one are closed before it begins. */
export function closeAttempt(exchange: Exchange, desk: LimitDesk): void {
  const { ended } = exchange;
  if (ended === undefined) return;
  exchange.ended = undefined;
  desk.settle(ended.hold, ended.costs, exchange);
}

/** What an answer in one piece will be charged, before its head is written. */
export function foreseenCharge(exchange: Exchange): Charge | undefined {
  const { hold, usage } = exchange;
  if (hold === undefined || usage === undefined || usage.inconsistent === true) return undefined;
  const end: AttemptEnd = { kind: "Usage", usage, serviceTier: usage.serviceTier };
  return chargeOf(end, { ...hold, requestBytes: exchange.body.length });
}

/** `result` undefined: a fault of ours ended it. */
function endOf(exchange: Exchange, result: CallResult | undefined): AttemptEnd {
  const { usage, outputTextBytes } = exchange;
  if (!exchange.sent || exchange.operation?.name === "messages.count_tokens") return { kind: "NotBilled" };
  if (result?.kind === "failed" && isNotBilled(result)) return { kind: "NotBilled" };
  if (usage?.inconsistent === true) return { kind: "Unknown", reason: "UsageInconsistent", usage, outputTextBytes };
  if (usage !== undefined && exchange.usageTold) return { kind: "Usage", usage, serviceTier: usage.serviceTier };
  return { kind: "Unknown", reason: reasonOf(exchange, result), usage, outputTextBytes };
}

function isNotBilled({ status, refusal }: Extract<CallResult, { kind: "failed" }>): boolean {
  if (refusal.code === "upstream_redirect" || refusal.code === "upstream_authentication") return true;
  return status !== undefined && !unknownStatuses.has(status);
}

function reasonOf(
  exchange: Exchange,
  result: CallResult | undefined,
): Extract<AttemptEnd, { kind: "Unknown" }>["reason"] {
  if (result?.kind === "gone" || exchange.gone) return "ClientAborted";
  if (result?.kind === "failed" && result.refusal.code === "upstream_timeout") return "TimedOut";
  if (exchange.code === "upstream_timeout") return "TimedOut";
  return result?.kind === "answered" && exchange.outcome === "Served" ? "NoUsage" : "Cut";
}
