/** What is known of one account of a limit, in the figures that people ask for: of status, alerts and reports. */

import { type LimitPlan, type LimitRule, readAccountId } from "@sluice/contract";
import { type AccountState, amountOf, committedOf, spentOf } from "@sluice/limits";

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

/** Undefined when the account is of no such limit (any more), or its window is not the one of now. */
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

/** Of a rolling window: what has run out since the record last looked. */
function ranOut({ expiring }: AccountState, nowMs: number): bigint {
  return expiring.reduce((sum, { untilMs, amount }) => (untilMs <= nowMs ? sum + amount : sum), 0n);
}
