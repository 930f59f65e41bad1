/** What is known of one account of a limit, in the figures that people ask for: of status, alerts and reports. */

import type { LimitPlan, LimitRule } from "@sluice/contract";

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
};
