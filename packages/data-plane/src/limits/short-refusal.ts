/** A shortage in the words of its caller: which limit, what is used of it, what this call needs, and when to come again. */

import type { Refusal, Shortfall } from "../refusal.ts";
import { amountText } from "./amount-text.ts";
import type { Short } from "./limit-desk.ts";

/** Calls in flight settle within seconds. */
const reservedRetryMs = 2_000;
/** A short rate has room again soon, how soon depends on who else calls. */
const shareRetryMs = 1_000;

export function shortRefusal(short: Short, fitsTokens: number | undefined): Refusal {
  const { plan, rule } = short.of;
  if (short.shortage === "Unavailable")
    return { code: "limit_unavailable", limit: `${plan.kind} ${plan.id}`, retryAfterMs: reservedRetryMs };
  if (rule.unit === "slots") return { code: "concurrency_limited", ...shortfall(short, undefined, shareRetryMs) };
  const turnsInMs = short.standing?.endsInMs ?? undefined;
  if (plan.kind === "RateLimit") return { code: "rate_limited", ...shortfall(short, fitsTokens, rateRetryMs(short)) };
  return short.shortage === "Exhausted"
    ? { code: "budget_exhausted", ...shortfall(short, fitsTokens, turnsInMs) }
    : { code: "budget_reserved", ...shortfall(short, fitsTokens, reservedRetryMs) };
}

/** Undefined: the call is larger than the rate, and never fits. */
function rateRetryMs({ of, shortage, amount, standing }: Short): number | undefined {
  if (standing !== undefined && amount > standing.amount) return undefined;
  if (of.rule.window.kind === "share") return shareRetryMs;
  return shortage === "Reserved" ? reservedRetryMs : (standing?.endsInMs ?? shareRetryMs);
}

function shortfall(short: Short, fitsTokens: number | undefined, retryAfterMs: number | undefined): Shortfall {
  const { of, amount, standing, nowWallMs } = short;
  const { plan, rule, family } = of;
  const text = (value: number) => amountText(rule.unit, value);
  const endsInMs = standing?.endsInMs ?? undefined;
  return {
    limit: `${plan.kind} ${plan.id}`,
    account: plan.per.map((dimension, index) => `${dimension}=${family.values[index] ?? ""}`).join(", "),
    amount: text(standing?.amount ?? Number(rule.amount)),
    spent: text(standing?.spent ?? 0),
    reserved: text(standing?.reserved ?? 0),
    needed: text(amount),
    fitsTokens,
    retryAfterMs,
    resetsAt:
      endsInMs === undefined || rule.window.kind === "rolling" || rule.window.kind === "share"
        ? undefined
        : new Date(Math.round((nowWallMs + endsInMs) / 1000) * 1000).toISOString().replace(".000", ""),
  };
}
