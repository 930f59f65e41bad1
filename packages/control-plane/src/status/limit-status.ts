/**
 * The status of a Budget or RateLimit: its accounts in figures, and the conditions that follow from them. A figure that moves
 * with the clock alone is told so roughly that an idle limit is not written again and again.
 */

import type { LimitPlan, LimitRule } from "@sluice/contract";
import type { BudgetOverride } from "../acts/act.ts";
import { amountTo } from "../acts/act-view.ts";
import { percentOf } from "../alerts/thresholds.ts";
import { rfc3339 } from "../store/pending-status.ts";
import type { ResourceStatus } from "../store/store.ts";
import type { AccountFigures } from "./account-figures.ts";
import { amountText, unitWord } from "./amount-text.ts";
import type { Refused } from "./known-accounts.ts";

export const nearPercent = 80;
/** Data planes ask again at least this often while calls keep coming. */
const refusedRecentlyMs = 60_000;
const topMax = 10;
const overridesMax = 64;

export type AccountStatus = {
  readonly values?: Readonly<Record<string, string>>;
  readonly rule?: string;
  readonly limit: string;
  readonly spent: string;
  readonly reserved: string;
  readonly remaining: string;
  readonly percent: number;
  readonly forecast?: string;
  readonly exhaustedAt?: string;
  readonly serving?: "Leased" | "OneShot";
  readonly limitedBy?: "Spend" | "Reservations";
};

export type LimitSituation = {
  readonly plan: LimitPlan;
  readonly accounts: readonly AccountFigures[];
  /** Accounts that had no room for what was asked. */
  readonly exhausted: ReadonlyMap<string, Refused>;
  readonly overrides: readonly BudgetOverride[];
  /** What the status said last: when an account was first full is remembered nowhere else. */
  readonly before: ResourceStatus;
  readonly nowMs: number;
};

export function limitStatus(situation: LimitSituation): Record<string, unknown> {
  const { plan, accounts, overrides, nowMs } = situation;
  const isFull = fullness(situation);
  const fullestFirst = accounts.toSorted(byPercent);
  const [fullest] = fullestFirst;
  const [rule] = plan.rules;
  const window = commonWindow(plan, accounts);
  return {
    ...(plan.kind === "Budget" && rule !== undefined
      ? { limit: `${amountText(BigInt(rule.amount), rule.unit)} ${unitWord(rule.unit)}` }
      : { limits: plan.rules.map(ruleText).join(", ") }),
    ...(window && { window }),
    accounts: {
      count: accounts.length,
      near: accounts.filter(({ spent, amount }) => percentOf(spent, amount) >= nearPercent).length,
      exhausted: accounts.filter((account) => isFull(account) !== undefined).length,
    },
    ...(fullest && { fullest: `${nameOf(fullest)}${percentOf(fullest.spent, fullest.amount)}%`.slice(0, 300) }),
    ...(plan.kind === "Budget" && rule !== undefined && accounts.length > 0 && { spent: spentText(accounts, rule) }),
    ...(accounts.length > 0 && {
      top: fullestFirst
        .slice(0, topMax)
        .map((account) => accountStatus(account, { fullSince: isFull(account), nowMs })),
    }),
    ...(overrides.length > 0 && { overrides: overrides.slice(0, overridesMax).map(overrideStatus) }),
  };
}

/** When the account became full in its window; undefined: it is not. A raised amount makes it free again. */
export function fullness({ plan, exhausted, before, nowMs }: LimitSituation) {
  const told = new Map<string, AccountStatus>();
  for (const entry of (before.top ?? []) as AccountStatus[]) told.set(entryKey(plan, entry), entry);
  return (account: AccountFigures): number | undefined => {
    const { rule, values, amount, spent } = account;
    if (rule.window.kind === "share") return undefined;
    const last = told.get(`${rule.name} ${JSON.stringify(values)}`);
    const sameWindow = isWithin(last?.exhaustedAt, account);
    const lastMs =
      sameWindow && last?.limit === amountText(amount, rule.unit) ? Date.parse(last.exhaustedAt ?? "") : undefined;
    const refused = exhausted.get(account.id);
    if (spent >= amount) return lastMs ?? refused?.sinceMs ?? nowMs;
    // What was asked for did not fit any more, though something is left. One absurd call must not say so for long.
    if (percentOf(spent, amount) >= nearPercent) return lastMs ?? refused?.sinceMs;
    // It was asked again at once for a shorter answer, and that one is given.
    if (plan.whenShort === "Clamp") return undefined;
    return refused !== undefined && nowMs - refused.lastMs < refusedRecentlyMs
      ? (lastMs ?? refused.sinceMs)
      : undefined;
  };
}

function accountStatus(
  account: AccountFigures,
  { fullSince, nowMs }: { fullSince: number | undefined; nowMs: number },
): AccountStatus {
  const { plan, rule, values, amount, spent, reserved, committed, isLeasedAhead } = account;
  const text = (figure: bigint) => amountText(figure, rule.unit);
  const left = amount - spent - reserved;
  const forecast = forecastOf(account, nowMs);
  const limitedBy = fullSince === undefined ? limitOf({ amount, spent, reserved, committed }) : "Spend";
  return {
    ...(plan.per.length > 0 && {
      values: Object.fromEntries(plan.per.map((dimension, at) => [dimension, values[at] ?? ""])),
    }),
    ...(plan.rules.length > 1 && { rule: rule.name }),
    ...{ limit: text(amount), spent: text(spent), reserved: text(reserved), remaining: text(left > 0n ? left : 0n) },
    percent: percentOf(spent, amount),
    ...(forecast !== undefined && { forecast: text(forecast) }),
    ...(fullSince !== undefined && { exhaustedAt: rfc3339(fullSince) }),
    ...(rule.window.kind !== "share" && { serving: isLeasedAhead ? "Leased" : "OneShot" }),
    ...(limitedBy && { limitedBy }),
  };
}

/** What keeps a new call out, or soon will. */
function limitOf({
  amount,
  spent,
  reserved,
  committed,
}: Pick<AccountFigures, "amount" | "spent" | "reserved" | "committed">) {
  if (percentOf(spent, amount) >= nearPercent) return "Spend";
  return reserved > 0n && percentOf(committed, amount) >= nearPercent ? "Reservations" : undefined;
}

/** Two digits: more would not be true, and would be written anew every few seconds. */
function forecastOf({ rule, spent, startsAtMs, endsAtMs }: AccountFigures, nowMs: number): bigint | undefined {
  if (startsAtMs === null || endsAtMs === null || rule.window.kind === "share") return undefined;
  const [passedMs, lengthMs] = [BigInt(Math.trunc(nowMs - startsAtMs)), BigInt(endsAtMs - startsAtMs)];
  // In the first hundredth of a window nothing can be said.
  if (passedMs * 100n < lengthMs) return undefined;
  const expected = (spent * lengthMs) / passedMs;
  const scale = 10n ** BigInt(Math.max(expected.toString().length - 2, 0));
  const rounded = ((expected + scale / 2n) / scale) * scale;
  return rounded > spent ? rounded : spent;
}

function commonWindow({ rules }: LimitPlan, [first]: readonly AccountFigures[]) {
  if (rules.length !== 1 || first === undefined || first.startsAtMs === null) return undefined;
  return {
    startsAt: rfc3339(first.startsAtMs),
    ...(first.endsAtMs !== null && { endsAt: rfc3339(first.endsAtMs) }),
  };
}

function overrideStatus({ id, body, by, untilMs, reason }: BudgetOverride) {
  const to = amountTo(body);
  return {
    id,
    ...(body.values && { values: body.values }),
    ...{ to: "usd" in to ? to.usd : String(to.tokens), by, reason },
    ...(untilMs !== null && { until: rfc3339(untilMs) }),
  };
}

function spentText(accounts: readonly AccountFigures[], { unit }: LimitRule): string {
  return `${amountText(
    accounts.reduce((sum, { spent }) => sum + spent, 0n),
    unit,
  )} ${unitWord(unit)}`;
}

function ruleText({ amount, unit, window }: LimitRule): string {
  if (unit === "slots") return `${amount} concurrent`;
  const lengthMs = "ms" in window ? window.ms : undefined;
  return `${amount} ${unitWord(unit)}${lengthMs === undefined ? "" : `/${lengthText(lengthMs)}`}`;
}

function lengthText(ms: number): string {
  for (const [unit, unitMs] of [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const)
    if (ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  return `${ms}ms`;
}

function nameOf({ plan, values, rule }: AccountFigures): string {
  const parts = [...values, ...(plan.rules.length > 1 ? [rule.name] : [])];
  return parts.length === 0 ? "" : `${parts.join("/")} `;
}

/** By exact fractions, so that the order is the same wherever it is made. */
function byPercent(a: AccountFigures, b: AccountFigures): number {
  const [left, right] = [a.spent * (b.amount || 1n), b.spent * (a.amount || 1n)];
  if (left !== right) return left > right ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

function entryKey({ per, rules }: LimitPlan, { values = {}, rule = rules[0]?.name ?? "" }: AccountStatus): string {
  return `${rule} ${JSON.stringify(per.map((dimension) => values[dimension] ?? ""))}`;
}

function isWithin(time: string | undefined, { startsAtMs }: AccountFigures): boolean {
  return time !== undefined && (startsAtMs === null || Date.parse(time) >= startsAtMs - 1_000);
}
