/** A crossed threshold as it is told: the body of its webhook, and the event that people see. Equal on every replica. */

import { createHash } from "node:crypto";
import type { AccountFigures } from "../status/account-figures.ts";
import { amountText, unitWord } from "../status/amount-text.ts";
import type { Alert, ResourceEvent } from "../store/alert-store.ts";
import { rfc3339 } from "../store/pending-status.ts";
import { percentOf } from "./thresholds.ts";

export type ThresholdAlert = { readonly alert: Alert; readonly event: ResourceEvent };

export function thresholdAlert(
  account: AccountFigures,
  crossing: {
    readonly atPercent: number;
    readonly url: string | undefined;
    readonly uid: string;
    readonly nowMs: number;
  },
): ThresholdAlert {
  const { plan, rule, values } = account;
  const { atPercent, nowMs } = crossing;
  const [namespace = "", name = ""] = plan.id.split("/");
  const key = crossingKey(account, atPercent, nowMs);
  const id = `evt_${createHash("sha256").update(key).digest("hex").slice(0, 32)}`;
  const percent = percentOf(account.spent, account.amount);
  const body = {
    id,
    type: "budget.threshold",
    createdAt: rfc3339(nowMs),
    budget: { namespace, name, uid: crossing.uid, mode: plan.mode },
    account: Object.fromEntries(plan.per.map((dimension, at) => [dimension, values[at] ?? ""])),
    atPercent,
    percent,
    unit: unitWord(rule.unit),
    spent: amountText(account.spent, rule.unit),
    limit: amountText(account.amount, rule.unit),
    window: {
      startsAt: account.startsAtMs === null ? null : rfc3339(account.startsAtMs),
      endsAt: account.endsAtMs === null ? null : rfc3339(account.endsAtMs),
    },
  };
  return {
    alert: {
      ...{ id, limitUid: plan.uid, account: account.id, atPercent, firedAtMs: nowMs, endsAtMs: endOf(account, nowMs) },
      body: JSON.stringify(body),
      receiver: crossing.url === undefined ? null : createHash("sha256").update(crossing.url).digest("hex"),
    },
    event: {
      ...{ id, kind: plan.kind, namespace, name, uid: crossing.uid, atMs: nowMs },
      type: "Warning",
      reason: atPercent >= 100 ? "LimitReached" : "ThresholdCrossed",
      message: `${whose(account)}has spent ${body.spent} of ${body.limit} ${body.unit} (${percent} %), past ${atPercent} %${until(account)}`,
    },
  };
}

/**
 * One for each threshold of an account in a window. A rolling window never turns: there a threshold that stays crossed is told
 * again once a length of it, at most.
 */
export function crossingKey({ id, rule }: AccountFigures, atPercent: number, nowMs: number): string {
  return `${id} ${atPercent} ${rule.window.kind === "rolling" ? Math.floor(nowMs / rule.window.ms) : 0}`;
}

function endOf({ endsAtMs, rule }: AccountFigures, nowMs: number): number | null {
  return rule.window.kind === "rolling" ? (Math.floor(nowMs / rule.window.ms) + 1) * rule.window.ms : endsAtMs;
}

function whose({ plan, values }: AccountFigures): string {
  if (plan.per.length === 0) return "It ";
  return `${plan.per.map((dimension, at) => `${dimension} ${JSON.stringify(values[at] ?? "")}`).join(", ")} `;
}

function until({ endsAtMs }: AccountFigures): string {
  return endsAtMs === null ? "" : `; the window ends ${rfc3339(endsAtMs)}`;
}
