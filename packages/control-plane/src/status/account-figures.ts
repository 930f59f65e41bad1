/** What is known of one account of a limit, in the figures that people ask for: of status, alerts and reports. */

import { type LimitPlan, type LimitRule, readAccountId } from "@sluice/contract";
import { type AccountState, amountOf, committedOf, spentOf, type WindowBounds, windowAt } from "@sluice/limits";

export type AccountFigures = {
  readonly plan: LimitPlan;
  readonly rule: LimitRule;
  /** `accountId` of the contract. */
  readonly id: string;
  /** In the order of the plan's `per`. */
  readonly values: readonly string[];
  /** Of the window that the account counts in; null: it has none that begins or ends. */
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
  /** What it may hold, runtime overrides included. */
  readonly amount: bigint;
  /** Settled, and counted as spent until it is known better. */
  readonly spent: bigint;
  /** Held by calls under way. */
  readonly reserved: bigint;
  /** Spent, and granted to data planes whether they use it or not. */
  readonly committed: bigint;
  /** Some data plane holds more of it than its calls need. */
  readonly isLeasedAhead: boolean;
};

/** Undefined when the account is of no such limit (any more), its window is not the one of now, or an edit has led to others. */
export function figuresOf(
  account: AccountState,
  limits: ReadonlyMap<string, LimitPlan>,
  nowMs: number,
): AccountFigures | undefined {
  const named = readAccountId(account.id);
  const plan = named && limits.get(named.family.limit);
  const rule = plan?.rules.find(({ name }) => name === named?.family.rule);
  if (named === undefined || plan === undefined || rule === undefined) return undefined;
  const { window } = named;
  if (window > nowMs || (account.endsAtMs !== null && account.endsAtMs <= nowMs)) return undefined;
  if (named.family.values.length !== plan.per.length) return undefined;
  if (!isOfWindow({ startsAtMs: window, endsAtMs: account.endsAtMs }, rule)) return undefined;

  const gone = ranOut(account, nowMs);
  const open = [...account.leases.values()].filter(({ state }) => state === "Open");
  const { values } = named.family;
  const isShare = rule.window.kind === "share";
  return {
    ...{ plan, rule, values, id: account.id },
    startsAtMs: window === 0 ? null : window,
    endsAtMs: account.endsAtMs,
    amount: amountOf(plan, rule, values),
    // Pods count short rates and slots themselves: what they hold in use is all that is known.
    spent: isShare ? open.reduce((sum, { reserved }) => sum + reserved, 0n) : spentOf(account) - gone,
    reserved: isShare ? 0n : open.reduce((sum, { reserved }) => sum + reserved, 0n),
    committed: committedOf(account) - gone,
    isLeasedAhead: open.some((lease) => lease.granted - lease.returned - lease.settled - lease.reserved > 0n),
  };
}

/** Two replicas' tables of one time zone differ by no more. */
const zoneDifferenceMs = 2 * 3_600_000;
/** The calendar is slow, and accounts are many in few windows. */
const windowsOf = new WeakMap<LimitRule, Map<number, WindowBounds>>();

/** Accounts of another kind of window stay until it ends, and count no more. */
function isOfWindow({ startsAtMs, endsAtMs }: WindowBounds, rule: LimitRule): boolean {
  const known = windowsOf.get(rule) ?? new Map<number, WindowBounds>();
  windowsOf.set(rule, known);
  // Half way to its end, a moment lies in the window whatever the tables say of its rims.
  const within = endsAtMs === null ? startsAtMs : startsAtMs + (endsAtMs - startsAtMs) / 2;
  const expected = known.get(within) ?? windowAt(rule.window, within);
  known.set(within, expected);
  if (endsAtMs === null || expected.endsAtMs === null) return endsAtMs === expected.endsAtMs;
  const toleratedMs = Math.min(zoneDifferenceMs, (expected.endsAtMs - expected.startsAtMs) / 2);
  return (
    Math.abs(expected.startsAtMs - startsAtMs) <= toleratedMs && Math.abs(expected.endsAtMs - endsAtMs) <= toleratedMs
  );
}

/** Of a rolling window: what has run out since the record last looked. */
function ranOut({ expiring }: AccountState, nowMs: number): bigint {
  return expiring.reduce((sum, { untilMs, amount }) => (untilMs <= nowMs ? sum + amount : sum), 0n);
}
