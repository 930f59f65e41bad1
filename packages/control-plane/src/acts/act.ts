/**
 * Act: what an operator does at once and for a while, beside the resources: calls are stopped, a budget has another amount. An
 * act ends by its time or by being undone; no manifest ends or revives it.
 */

import type { StopPlan } from "@sluice/contract";

export type StopBody = Pick<StopPlan, "dimension" | "value">;

export type OverrideBody = {
  /** `namespace/name` of the Budget. */
  readonly budget: string;
  /** Of one account, by dimension of the Budget's `per`; absent: of all its accounts. */
  readonly values?: Readonly<Record<string, string>>;
  readonly unit: "nanoUsd" | "tokens";
  /** Decimal text of an integer. */
  readonly amount: string;
};

export type Act = {
  readonly id: string;
  readonly by: string;
  readonly reason: string;
  readonly createdAtMs: number;
  readonly untilMs: number | null;
  readonly undoneAtMs: number | null;
  readonly undoneBy: string | null;
} & (
  | { readonly kind: "Stop"; readonly body: StopBody }
  | { readonly kind: "BudgetOverride"; readonly body: OverrideBody }
);

export type Stop = Act & { kind: "Stop" };
export type BudgetOverride = Act & { kind: "BudgetOverride" };

/** In force at this moment, oldest first. */
export function activeActs(acts: readonly Act[], nowMs: number): Act[] {
  return acts
    .filter(({ untilMs, undoneAtMs }) => undoneAtMs === null && (untilMs === null || untilMs > nowMs))
    .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
}

export function isStop(act: Act): act is Stop {
  return act.kind === "Stop";
}

export function isOverride(act: Act): act is BudgetOverride {
  return act.kind === "BudgetOverride";
}

/** When the next of them ends by its time. */
export function nextEndMs(acts: readonly Act[]): number | undefined {
  const ends = acts.flatMap(({ untilMs }) => untilMs ?? []);
  return ends.length === 0 ? undefined : Math.min(...ends);
}
