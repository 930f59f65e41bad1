/** Acts of an operator on the admin API: makes one, finds one that is in force, undoes it; and says what came of it. */

import type { ActAnswer, ActView, OverrideView } from "@sluice/api";
import { printable } from "../output/printable.ts";
import type { AdminClient } from "./admin-client.ts";

export async function activeActs(client: AdminClient): Promise<ActView[]> {
  return (await client.call<OverrideView>("GET", "/admin/v1/overrides")).items;
}

export function undoAct(client: AdminClient, id: string, reason: string): Promise<ActAnswer> {
  return client.call<ActAnswer>("DELETE", `/admin/v1/acts/${encodeURIComponent(id)}`, { body: { reason } });
}

/** `on 3/3 data planes`. */
export function reachText({ acknowledged, desired }: ActAnswer): string {
  return `on ${acknowledged}/${desired} data planes`;
}

/** What an act is about: `Service search-batch`, `Budget ai/monthly, Service=batch`. */
export function subjectText(act: ActView): string {
  switch (act.kind) {
    case "Stop":
      return `${act.dimension} ${printable(act.value)}`;
    case "BudgetOverride": {
      const account = Object.entries(act.values ?? {}).map(
        ([dimension, value]) => `, ${dimension}=${printable(value)}`,
      );
      return `Budget ${act.namespace}/${act.name}${account.join("")}`;
    }
  }
}

export function amountText(act: ActView): string {
  if (act.kind === "Stop") return "stopped";
  return act.to.usd === undefined ? `${act.to.tokens} tokens` : `${act.to.usd} USD`;
}
