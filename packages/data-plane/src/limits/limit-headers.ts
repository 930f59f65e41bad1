/**
 * What an answer tells of the caller's limits: the standard `RateLimit` fields, and the names that OpenAI's and Anthropic's SDKs
 * read. Each tells the limit that is nearest to its end.
 */

import type { Protocol } from "@sluice/protocols";
import type { AppliedRule } from "./limit-table.ts";

export type Standing = {
  /** The account's limit; what is settled or written off, reserved by this pod, and not spent yet; in its unit. */
  readonly amount: number;
  readonly spent: number;
  readonly reserved: number;
  readonly remaining: number;
  /** Milliseconds to the window's turn; null: it does not turn. */
  readonly endsInMs: number | null;
};
export type Stood = { readonly rule: AppliedRule; readonly standing: Standing };

export type Told = {
  readonly protocol: Protocol;
  /** Anthropic tells times, not durations. */
  readonly nowWallMs: number;
  /** `Budget namespace/name`: it has refused the call, so it is the nearest to its end, whatever is left of it. */
  readonly refusedBy?: string | undefined;
};

export function limitHeaders(
  stood: readonly Stood[],
  { protocol, nowWallMs, refusedBy }: Told,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const enforced = stood.filter(({ rule }) => rule.plan.mode === "Enforce");
  const refusing = enforced.filter(({ rule: { plan } }) => `${plan.kind} ${plan.id}` === refusedBy);
  const all = tightest(refusing) ?? tightest(enforced);
  if (all !== undefined) {
    const name = `${all.rule.plan.id}/${all.rule.rule.name}`;
    const windowMs = windowOf(all);
    headers["ratelimit-policy"] =
      `"${name}";q=${all.standing.amount}${unitOf(all)}${windowMs === undefined ? "" : `;w=${seconds(windowMs)}`}`;
    headers.ratelimit = `"${name}";r=${all.standing.remaining}${resetOf(all)}`;
  }
  const requests = tightest(enforced.filter(({ rule }) => rule.rule.unit === "requests"));
  const tokens = tightest(enforced.filter(({ rule }) => rule.rule.unit === "tokens"));
  if (requests !== undefined) vendorHeaders(headers, { kind: "requests", one: requests, protocol, nowWallMs });
  if (tokens !== undefined) vendorHeaders(headers, { kind: "tokens", one: tokens, protocol, nowWallMs });
  return headers;
}

/** The Budget with the least left, in USD: so much may still be spent, whatever its share. Undefined: none counts dollars. */
export function tightestBudget(stood: readonly Stood[]): Stood | undefined {
  const budgets = stood.filter(({ rule }) => rule.rule.unit === "nanoUsd" && rule.plan.mode === "Enforce");
  return least(budgets, ({ standing }) => standing.remaining);
}

function tightest(stood: readonly Stood[]): Stood | undefined {
  return least(stood, shareLeft);
}

function least(stood: readonly Stood[], of: (one: Stood) => number): Stood | undefined {
  let found: Stood | undefined;
  for (const one of stood) if (found === undefined || of(one) < of(found)) found = one;
  return found;
}

function shareLeft({ standing }: Stood): number {
  return standing.amount === 0 ? 0 : standing.remaining / standing.amount;
}

function vendorHeaders(
  headers: Record<string, string>,
  told: { kind: "requests" | "tokens"; one: Stood; protocol: Protocol; nowWallMs: number },
): void {
  const { kind, one, protocol, nowWallMs } = told;
  const { amount, remaining, endsInMs } = one.standing;
  const resetMs = endsInMs ?? windowOf(one) ?? 0;
  if (protocol === "anthropic") {
    headers[`anthropic-ratelimit-${kind}-limit`] = String(amount);
    headers[`anthropic-ratelimit-${kind}-remaining`] = String(remaining);
    headers[`anthropic-ratelimit-${kind}-reset`] = new Date(nowWallMs + resetMs).toISOString();
  } else {
    headers[`x-ratelimit-limit-${kind}`] = String(amount);
    headers[`x-ratelimit-remaining-${kind}`] = String(remaining);
    headers[`x-ratelimit-reset-${kind}`] = `${seconds(resetMs)}s`;
  }
}

function windowOf({ rule }: Stood): number | undefined {
  const { window } = rule.rule;
  return window.kind === "tumbling" || window.kind === "rolling" || window.kind === "share" ? window.ms : undefined;
}

function resetOf({ standing }: Stood): string {
  return standing.endsInMs === null ? "" : `;t=${seconds(standing.endsInMs)}`;
}

/** The draft's registry of quota units has `requests`, and takes others (draft-ietf-httpapi-ratelimit-headers). */
function unitOf({ rule }: Stood): string {
  switch (rule.rule.unit) {
    case "requests":
      return "";
    case "tokens":
      return ';qu="tokens"';
    case "nanoUsd":
      return ';qu="nano-usd"';
    case "slots":
      return ';qu="concurrent-requests"';
  }
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
