/** An act as the admin API and the status of its Budget show it. */

import type { ActView } from "@sluice/api";
import { nanoUsdToDecimal } from "@sluice/metering";
import { rfc3339 } from "../store/pending-status.ts";
import type { Act, OverrideBody } from "./act.ts";

export function actView(act: Act): ActView {
  const { id, by, reason, createdAtMs, untilMs } = act;
  const head = {
    ...{ id, by, reason, createdAt: rfc3339(createdAtMs) },
    ...(untilMs !== null && { until: rfc3339(untilMs) }),
  };
  switch (act.kind) {
    case "Stop":
      return { kind: "Stop", ...head, ...act.body };
    case "BudgetOverride": {
      const [namespace = "", name = ""] = act.body.budget.split("/");
      const { values } = act.body;
      return { kind: "BudgetOverride", ...head, namespace, name, ...(values && { values }), to: amountTo(act.body) };
    }
  }
}

/** As a Budget's `limit` has it. */
export function amountTo({ unit, amount }: OverrideBody): { usd: string } | { tokens: number } {
  return unit === "nanoUsd" ? { usd: nanoUsdToDecimal(BigInt(amount)) } : { tokens: Number(amount) };
}
