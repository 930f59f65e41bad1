/**
 * Runtime acts: what lies beside the resources, is audited and ends by itself. `POST /admin/v1/stops`, `/overrides/budgets`;
 * `DELETE /admin/v1/acts/ID`; `GET /admin/v1/overrides` is the one effective view.
 */

import { z } from "zod";
import { decimalUsd, tokenAmount } from "../fields/money.ts";
import { labelName, objectName } from "../fields/name.ts";
import { timeText, usdText } from "./exact-amounts.ts";

const reason = z.string().min(1).max(1024);

const stopDimension = z.enum(["Team", "Service", "User", "Key", "Model", "Provider"]);

/** Stops calls. `value` of a Key or Provider is `namespace/name`, of a Model the name that callers ask for or a prefix with a star. */
export const stopAct = z.strictObject({
  dimension: stopDimension,
  value: z.string().min(1).max(320),
  /** Absent: until it is undone. */
  until: timeText.optional(),
  reason,
});
export type StopAct = z.output<typeof stopAct>;

/** Another amount for a Budget, or for one of its accounts. It always ends: by `until`. */
export const budgetOverrideAct = z.strictObject({
  namespace: labelName,
  name: objectName,
  /** By member of `per`; absent: every account that has no override of its own. */
  values: z.record(z.string(), z.string().max(256)).optional(),
  to: z
    .strictObject({ usd: decimalUsd.optional(), tokens: tokenAmount.optional() })
    .refine(({ usd, tokens }) => (usd === undefined) !== (tokens === undefined), {
      error: "exactly one of usd and tokens must be set",
    }),
  until: timeText,
  reason,
});
export type BudgetOverrideAct = z.output<typeof budgetOverrideAct>;

const actHead = {
  id: z.string(),
  by: z.string(),
  reason: z.string(),
  createdAt: timeText,
  until: timeText.optional(),
};

export const actView = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("Stop"), ...actHead, dimension: stopDimension, value: z.string() }),
  z.strictObject({
    kind: z.literal("BudgetOverride"),
    ...actHead,
    namespace: z.string(),
    name: z.string(),
    values: z.record(z.string(), z.string()).optional(),
    to: z.strictObject({ usd: usdText.optional(), tokens: z.int().optional() }),
  }),
]);
export type ActView = z.output<typeof actView>;

export const overrideView = z.strictObject({ items: z.array(actView) });
export type OverrideView = z.output<typeof overrideView>;

/** What an act answers: itself, and how many data planes follow it already. */
export const actAnswer = z.strictObject({ act: actView, acknowledged: z.int().min(0), desired: z.int().min(0) });
export type ActAnswer = z.output<typeof actAnswer>;

/** `DELETE /admin/v1/acts/ID`. */
export const undoRequest = z.strictObject({ reason: z.string().max(1024).default("") });
