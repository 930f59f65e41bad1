/** What a seed is about: how many pods, which limits, which faults. Swarm style: each run has a random part of the faults only. */

import type { LimitPlan, LimitRule, LimitWindow } from "@sluice/contract";
import { type Random, randomOf } from "./random.ts";

export const faultNames = [
  ...["loss", "duplicates", "delays", "partitions", "processCrashes", "nodeCrashes", "rollouts", "suspensions"],
  ...["recordClock", "failovers", "restores", "recordOutages", "edits", "deletions", "overruns", "conflicts", "clones"],
] as const;
export type FaultName = (typeof faultNames)[number];

export type WorldPlan = {
  readonly seed: number;
  /** Some faults matter only together, for long, and where amounts are short. */
  readonly theme: "any" | "shares" | "lost memory";
  readonly pods: number;
  readonly replicas: number;
  readonly users: number;
  readonly limits: readonly LimitPlan[];
  /** The worst case of a call by unit. */
  readonly worst: Readonly<Record<string, number>>;
  /** True cost, as a part of the worst case, at most. */
  readonly costPart: number;
  readonly callEveryMs: number;
  readonly callMs: number;
  readonly faults: ReadonlySet<string>;
  readonly activeMs: number;
};

export function drawPlan(seed: number): WorldPlan {
  const random = randomOf(seed, "plan");
  const worst = { nanoUsd: random.pick([1, 7, 10]), tokens: random.int(1, 9), requests: 1, slots: 1 };
  const theme = random.pick<WorldPlan["theme"]>(["any", "any", "any", "any", "any", "any", "shares", "lost memory"]);
  const limits = Array.from({ length: theme === "any" ? random.pick([1, 1, 1, 2, 3]) : 1 }, (_, index) =>
    drawLimit(random, { index, worst, theme }),
  );
  const faults = new Set<string>(faultNames.filter(() => random.chance(0.35)));
  for (const fault of themeFaults[theme]) faults.add(fault);
  return {
    seed,
    theme,
    pods: theme === "any" ? random.pick([1, 2, 2, 3, 4]) : random.pick([2, 3]),
    replicas: random.int(1, 2),
    users: random.pick([1, 2, 4]),
    limits,
    worst,
    costPart: random.pick([0, 0.1, 0.5, 1, 1]),
    callEveryMs: theme === "shares" ? 500 : random.pick(theme === "any" ? [100, 300, 1_000, 4_000] : [100, 300]),
    callMs: random.pick([20, 200, 2_000, 5_000]),
    faults,
    activeMs: theme === "shares" ? 75_000 : random.pick([10_000, 25_000, 60_000]),
  };
}

const themeFaults = {
  any: [],
  shares: ["partitions", "suspensions"],
  "lost memory": ["partitions", "failovers"],
} as const satisfies Record<WorldPlan["theme"], readonly FaultName[]>;

type Drawing = {
  readonly index: number;
  readonly worst: Record<string, number>;
  readonly theme: WorldPlan["theme"];
};

function drawLimit(random: Random, { index, worst, theme }: Drawing): LimitPlan {
  const isShare = theme === "shares";
  const unit = isShare
    ? random.pick(["requests", "slots"] as const)
    : random.pick([
        "nanoUsd",
        "nanoUsd",
        "nanoUsd",
        "tokens",
        "requests",
        theme === "any" ? "slots" : "tokens",
      ] as const);
  const window: LimitWindow = theme === "lost memory" ? { kind: "lifetime" } : drawWindow(random, unit, isShare);
  const calls = random.pick(theme === "shares" ? [1, 3, 10, 30] : [1, 3, 10, 30, 200]);
  const amount = calls * (worst[unit] ?? 1) + random.int(0, 3);
  const rule: LimitRule = { name: "amount", unit, amount: String(amount), window };
  const isBudget = unit === "nanoUsd" || (unit === "tokens" && window.kind !== "share");
  return {
    uid: `limit-${index}`,
    kind: isBudget ? "Budget" : "RateLimit",
    id: `ai/limit-${index}`,
    selector: {},
    per: theme === "any" && random.chance(0.4) ? ["User"] : [],
    rules: [rule],
    overrides: [],
    mode: theme === "any" && random.chance(0.1) ? random.pick(["Warn", "Shadow"] as const) : "Enforce",
    whenShort: "Reject",
    maxWaitMs: 5_000,
    whenUnavailable: theme === "any" && random.chance(0.15) ? "Allow" : "Refuse",
    accountsMax: random.pick([1, 2, 100]),
  };
}

function drawWindow(random: Random, unit: LimitRule["unit"], isShare: boolean): LimitWindow {
  if (unit === "slots") return { kind: "share" };
  const ms = random.pick([4_000, 15_000]);
  if (isShare || (unit !== "nanoUsd" && random.chance(0.5)))
    return { kind: "share", ms: random.pick([500, 2_000, 5_000]) };
  return random.pick<LimitWindow>([
    { kind: "lifetime" },
    { kind: "lifetime" },
    { kind: "tumbling", ms },
    { kind: "rolling", ms },
    { kind: "calendar", unit: "Hour", timezone: "Europe/Berlin", startMonth: 1 },
  ]);
}
