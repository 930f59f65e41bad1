/** What a Budget's accounts mean for it, as conditions. None of them makes it less ready: a full budget does what it is for. */

import { crossedPercents } from "../alerts/thresholds.ts";
import type { AccountFigures } from "./account-figures.ts";
import type { Verdict } from "./conditions.ts";
import { fullness, type LimitSituation, nearPercent } from "./limit-status.ts";

export function limitConditions(situation: LimitSituation, percents: readonly number[]): Record<string, Verdict> {
  const { plan, accounts, overrides } = situation;
  if (plan.kind !== "Budget") return {};
  const isFull = fullness(situation);
  const full = accounts.filter((account) => isFull(account) !== undefined);
  const asked = percents.length === 0 ? [nearPercent] : percents;
  const warned = accounts.filter((account) => crossedPercents(account, asked).length > 0);
  const highest = Math.max(0, ...warned.flatMap((account) => crossedPercents(account, asked)));
  return {
    Exceeded:
      full.length > 0
        ? holds("Exhausted", `${named(full)}: nothing is left in this window, or too little for the calls that come`)
        : fine("WithinLimit"),
    Warning:
      warned.length > 0 ? holds("ThresholdCrossed", `${named(warned)}: past ${highest} %`) : fine("BelowThresholds"),
    Overridden:
      overrides.length > 0
        ? holds("RuntimeOverride", `By ${[...new Set(overrides.map(({ by }) => by))].join(", ")}: see status.overrides`)
        : fine("AsInSpec"),
  };
}

const namedMax = 3;

function named(accounts: readonly AccountFigures[]): string {
  const names = accounts.map(({ values }) => (values.length === 0 ? "The budget" : values.join("/"))).sort();
  const more = names.length - namedMax;
  return `${names.slice(0, namedMax).join(", ")}${more > 0 ? ` and ${more} more` : ""}`.slice(0, 500);
}

function holds(reason: string, message: string): Verdict {
  return { status: "True", reason, message };
}

function fine(reason: string): Verdict {
  return { status: "False", reason, message: "" };
}
