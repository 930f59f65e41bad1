/**
 * `POST /admin/v1/usage/reprice` and `/usage/settle`: corrections of past records, and of the accounts whose window they are
 * still in. Records stay as they were; a correction is a record of its own.
 */

import { z } from "zod";
import { decimalUsd } from "../fields/money.ts";
import { timeText, usdText } from "./exact-amounts.ts";

const reason = z.string().min(1).max(1024);
const selection = {
  since: timeText.optional(),
  until: timeText.optional(),
  /** Tells what it would do, and does nothing. */
  dryRun: z.boolean().default(false),
  reason,
};

/** Prices anew, from the recorded tokens at the prices of now. */
export const repriceRequest = z.strictObject({
  ...selection,
  since: timeText,
  /** `namespace/name`. */
  provider: z.string().max(320).optional(),
  /** The provider's own name, or a prefix with a star. */
  model: z.string().max(256).optional(),
});
export type RepriceRequest = z.output<typeof repriceRequest>;

/** Gives held parts back: of one request, or of all in a time. `costUsd`: what the provider billed for that one request. */
export const settleRequest = z
  .strictObject({ ...selection, requestId: z.string().max(128).optional(), costUsd: decimalUsd.optional() })
  .refine(({ requestId, since }) => (requestId === undefined) !== (since === undefined), {
    error: "exactly one of requestId and since must be set",
    path: ["requestId"],
  })
  .refine(({ requestId, costUsd }) => costUsd === undefined || requestId !== undefined, {
    error: "belongs to one request: set requestId",
    path: ["costUsd"],
  });
export type SettleRequest = z.output<typeof settleRequest>;

export const correctionAnswer = z.strictObject({
  dryRun: z.boolean(),
  /** Records that were looked at, and that were corrected. */
  records: z.int().min(0),
  corrected: z.int().min(0),
  /** Left as they are: estimates, what was settled by a bill, and what has no tokens or no price of now. */
  skipped: z.int().min(0),
  deltaCostUsd: usdText,
  deltaHeldUsd: usdText,
  /** Accounts whose balance was moved. */
  accounts: z.int().min(0),
});
export type CorrectionAnswer = z.output<typeof correctionAnswer>;
