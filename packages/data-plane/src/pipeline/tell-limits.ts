/** What an answer tells of cost and limits by its headers, and, where the caller asks for it, a stream by its last comment. */

import type { LimitUnit } from "@sluice/contract";
import { nanoUsdToDecimal } from "@sluice/metering";
import type { Exchange } from "../exchange.ts";
import { chargedAmount } from "../limits/attempt-hold.ts";
import type { Charge } from "../limits/charge.ts";
import { limitHeaders, type Stood, tightestBudget } from "../limits/limit-headers.ts";
import { foreseenCharge } from "./charge.ts";

/** Of a stream whose cost is not known yet, or of an answer in one piece whose usage has just been read. */
export function tellLimits(
  exchange: Exchange,
  headers: Record<string, string | number>,
  refusedBy?: string | undefined,
): void {
  const charge = foreseenCharge(exchange);
  if (charge?.costNanoUsd !== undefined)
    headers["x-sluice-cost"] = nanoUsdToDecimal((exchange.bill?.costNanoUsd ?? 0n) + charge.costNanoUsd);
  const stood = stoodOf(exchange);
  if (stood.length === 0) return;
  const after = stood.map((one) => without(one, exchange, charge));
  const told = { protocol: exchange.dialect.protocol, nowWallMs: exchange.startedAtMs, refusedBy };
  Object.assign(headers, limitHeaders(after, told));
  const budget = tightestBudget(after);
  if (budget !== undefined) headers["x-sluice-budget-remaining"] = nanoUsdToDecimal(BigInt(budget.standing.remaining));
  if (exchange.isClamped) headers["x-sluice-output-cap"] = String(exchange.outputCap ?? "");
}

/** A comment that clients skip; only for those who sent `x-sluice-cost: comment`. */
export function costComment(exchange: Exchange): string | undefined {
  if (exchange.headers?.costComment !== true) return undefined;
  const charge = foreseenCharge(exchange);
  if (charge?.costNanoUsd === undefined) return undefined;
  const cost = nanoUsdToDecimal((exchange.bill?.costNanoUsd ?? 0n) + charge.costNanoUsd);
  const budget = tightestBudget(stoodOf(exchange).map((one) => without(one, exchange, charge)));
  const remaining = budget === undefined ? "" : ` remaining=${nanoUsdToDecimal(BigInt(budget.standing.remaining))}`;
  return `: x-sluice-cost=${cost}${remaining}\n\n`;
}

function stoodOf({ desk, rules }: Exchange): readonly Stood[] {
  return desk === undefined || rules === undefined || rules.length === 0 ? [] : desk.stood(rules);
}

/** What remains once this call is over: as far as its charge is known, and its count as a call is known from its start. */
function without({ rule, standing }: Stood, exchange: Exchange, charge: Charge | undefined): Stood {
  const { unit, window } = rule.rule;
  const isCall = unit === "requests" || unit === "slots";
  const parts = isCall ? exchange.callHolds.flatMap((hold) => hold.parts) : exchange.hold?.parts;
  const held = parts?.find((part) => part.rule.key === rule.key)?.amount ?? 0;
  // A share has lent what the call holds, other accounts are not charged before its end.
  const before = standing.remaining + (window.kind === "share" ? held : 0);
  const after = isCall ? held : chargedOf(unit, charge);
  return { rule, standing: { ...standing, remaining: Math.max(0, before - after) } };
}

function chargedOf(unit: LimitUnit, charge: Charge | undefined): number {
  return charge === undefined ? 0 : chargedAmount(unit, charge);
}
