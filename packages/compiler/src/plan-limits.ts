/**
 * Budgets and RateLimits as both planes know them. In the system namespace one applies to every caller, elsewhere to the keys
 * of its own namespace. Nothing in a plan depends on the order in which its resource lists things: an account's name is made
 * of its limit, its rule and its values, and must outlive an edit that moves lines.
 */

import assert from "node:assert/strict";
import { type Budget, type BudgetSpec, durationMs, type RateLimit, type RateLimitSpec } from "@sluice/api";
import type { LimitPlan, LimitRule, LimitSelector, LimitWindow } from "@sluice/contract";
import { decimalToNanoUsd } from "@sluice/metering";
import type { Finding } from "./findings.ts";
import { byText, type Entry, finding, type Inventory } from "./inventory.ts";
import { limitIndex } from "./limit-index.ts";
import { limitReaches } from "./limit-reach.ts";
import { alertFindings, selectorFindings } from "./limit-references.ts";
import { isBound, isBounded, unboundedDimensions } from "./unbounded-accounts.ts";

export type LimitPlans = {
  /** In the order of kind and id. */
  readonly limits: readonly LimitPlan[];
  readonly findings: readonly Finding[];
};

/** Windows of a minute and more are accounts of the record; shorter ones are shared out to the pods. */
const accountWindowMsMin = 60_000;

export function planLimits(inventory: Inventory, systemNamespace: string): LimitPlans {
  const findings: Finding[] = [];
  const planned = inventory.limits.map((entry) => ({ entry, plan: limitPlan(entry, systemNamespace) }));
  const bounds = limitIndex(planned.map(({ plan }) => plan).filter(isBound));
  const reachOf = limitReaches(inventory, systemNamespace);
  const accepted: LimitPlan[] = [];
  for (const { entry, plan } of planned) {
    findings.push(...selectorFindings(entry, reachOf(entry.namespace)));
    if (entry.resource.kind === "Budget") findings.push(...alertFindings({ ...entry, resource: entry.resource }));
    if (isBounded(plan, bounds)) accepted.push(plan);
    else findings.push(unbounded(entry, unboundedDimensions(plan)));
  }
  return {
    limits: accepted.sort((one, other) => byText(one.kind, other.kind) || byText(one.id, other.id)),
    findings,
  };
}

function unbounded(entry: Entry<Budget | RateLimit>, dimensions: readonly string[]): Finding {
  const { kind } = entry.resource;
  const without = dimensions.join(", ");
  return finding(entry, {
    condition: "Accepted",
    reason: "UnboundedAccounts",
    path: "spec.per",
    message: `${without} may be claimed by a call, and each new value would be a new account: add an enforcing ${kind === "Budget" ? "Budget" : "Budget, or a RateLimit of the same kind,"} that covers the same calls without ${without} in its per`,
  });
}

function limitPlan(entry: Entry<Budget | RateLimit>, systemNamespace: string): LimitPlan {
  const { id, namespace, resource, uid = `${resource.kind}/${id}` } = entry;
  const { spec } = resource;
  const per = [...(spec.per ?? [])].sort(byText);
  return {
    uid,
    kind: resource.kind,
    id,
    ...(namespace !== systemNamespace && { namespace }),
    selector: selectorPlan(entry),
    per,
    mode: spec.mode,
    maxWaitMs: milliseconds(spec.maxWait),
    whenUnavailable: spec.whenUnavailable,
    accountsMax: spec.maxAccounts,
    ...(resource.kind === "Budget" ? budgetRules(resource.spec, per) : rateRules(resource.spec)),
  };
}

function selectorPlan({ namespace, resource }: Entry<Budget | RateLimit>): LimitSelector {
  const { teams, services, users, keys, models, providers, routes, metadata } = resource.spec.selector ?? {};
  const sorted = (list: readonly string[]) => [...new Set(list)].sort(byText);
  const ids = (list: readonly { name: string; namespace?: string | undefined }[]) =>
    sorted(list.map((reference) => `${reference.namespace ?? namespace}/${reference.name}`));
  return {
    ...(teams && { teams: sorted(teams) }),
    ...(services && { services: sorted(services) }),
    ...(users && { users: sorted(users) }),
    ...(keys && { keys: ids(keys) }),
    ...(models && { models: sorted(models) }),
    ...(providers && { providers: ids(providers) }),
    ...(routes && { routes: ids(routes) }),
    ...(metadata && { metadata: { ...metadata } }),
  };
}

type RulesPart = Pick<LimitPlan, "rules" | "overrides" | "whenShort">;

function budgetRules({ limit, window, overrides = [], whenShort }: BudgetSpec, per: readonly string[]): RulesPart {
  const { name, unit, amount } = amountOf(limit);
  return {
    rules: [{ name, unit, amount, window: budgetWindow(window) }],
    overrides: overrides
      .map(({ values, limit: own }) => ({
        values: per.map((dimension) => values[dimension] ?? ""),
        amounts: { [name]: amountOf(own).amount },
      }))
      .sort((one, other) => byText(JSON.stringify(one.values), JSON.stringify(other.values))),
    whenShort,
  };
}

function amountOf({ usd, tokens }: BudgetSpec["limit"]): Pick<LimitRule, "name" | "unit" | "amount"> {
  if (usd === undefined) return { name: "tokens", unit: "tokens", amount: String(tokens) };
  const nanoUsd = decimalToNanoUsd(usd);
  assert(typeof nanoUsd === "bigint", "the schema has read this amount");
  return { name: "usd", unit: "nanoUsd", amount: nanoUsd.toString() };
}

function budgetWindow(window: BudgetSpec["window"]): LimitWindow {
  if (window === undefined) return { kind: "lifetime" };
  const { calendar, timezone = "UTC", startMonth = 1, rolling } = window;
  if (calendar !== undefined) return { kind: "calendar", unit: calendar, timezone, startMonth };
  return { kind: "rolling", ms: milliseconds(rolling) };
}

/** `requests-60s`, `tokens-1500ms`, `concurrent`: by what is limited, as the name in the list may change. */
function rateRules({ limits }: RateLimitSpec): RulesPart {
  const rules = limits.map(({ requests, tokens, concurrent, window }): LimitRule => {
    if (window === undefined) {
      return { name: "concurrent", unit: "slots", amount: String(concurrent), window: { kind: "share" } };
    }
    const ms = milliseconds(window);
    const unit = requests === undefined ? "tokens" : "requests";
    return {
      name: `${unit}-${ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`}`,
      unit,
      amount: String(requests ?? tokens),
      window: { kind: ms >= accountWindowMsMin ? "tumbling" : "share", ms },
    };
  });
  return { rules: rules.sort((one, other) => byText(one.name, other.name)), overrides: [], whenShort: "Reject" };
}

function milliseconds(duration = ""): number {
  const ms = durationMs(duration);
  assert(ms !== undefined, "the schema has read this duration");
  return ms;
}
