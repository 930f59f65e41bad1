/**
 * `GET /admin/v1/spend?by=team,metadata/env&since=…&until=…`: what calls cost, in groups. The rows add up to the total, and
 * the total to the ledger, to the nano-dollar: what has no value of a dimension is a group of its own.
 */

import { z } from "zod";
import { countText, timeText, usdText } from "./exact-amounts.ts";

/** `metadata/<name>` besides. */
export const spendDimensions = [
  "team",
  "service",
  "user",
  "key",
  "namespace",
  "model",
  "upstreamModel",
  "provider",
  "route",
  "claimedUser",
  "run",
] as const;
export const spendDimension = z
  .string()
  .max(80)
  .refine(
    (text) =>
      (spendDimensions as readonly string[]).includes(text) ||
      /^metadata\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(text),
    { error: `must be one of ${spendDimensions.join(", ")}, or metadata/<name>` },
  );

const sums = {
  /** Exchanges, whatever their outcome. */
  calls: countText,
  tokens: z.strictObject({ input: countText, output: countText, total: countText }),
  /** Best knowledge, corrections included. */
  costUsd: usdText,
  /** What accounts are charged beyond that, until it is known better. */
  heldUsd: usdText,
  /** Calls whose model has no price: they are in no amount. */
  unpricedCalls: countText,
  /** Calls whose cost is not simply the vendor's usage at our price. */
  estimatedCalls: countText,
  /** Of the time of the same length before `since`; absent: nothing is known of it. */
  previousCostUsd: usdText.optional(),
};

export const spendReport = z.strictObject({
  since: timeText,
  until: timeText,
  previousSince: timeText,
  by: z.array(spendDimension).max(4),
  /** The dearest first, then by group. */
  rows: z.array(
    z.strictObject({
      /** By dimension; null: the call had none. */
      group: z.record(z.string(), z.string().nullable()),
      ...sums,
      /** Of the total's cost, in percent with two decimals. */
      share: z.number().min(0).max(100),
    }),
  ),
  total: z.strictObject(sums),
});
export type SpendReport = z.output<typeof spendReport>;
