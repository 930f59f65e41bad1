/** `GET /admin/v1/usage?limit=…&cursor=…`: usage records one by one, with what has been corrected since. */

import { z } from "zod";
import { timeText, usdText } from "./exact-amounts.ts";

const count = z.int().min(0);

export const usageRecord = z.strictObject({
  /** `<instance>/<seq>`: names the record for ever. */
  id: z.string(),
  requestId: z.string(),
  startedAt: timeText,
  durationMs: z.number(),
  firstByteMs: z.number().optional(),
  outcome: z.string(),
  status: z.int(),
  code: z.string().optional(),
  gateway: z.string().optional(),
  protocol: z.string(),
  operation: z.string(),
  stream: z.boolean(),
  key: z.string().optional(),
  namespace: z.string().optional(),
  team: z.string().optional(),
  service: z.string().optional(),
  /** Of the key: verified. */
  user: z.string().optional(),
  /** What the call said of itself. */
  claimedUser: z.string().optional(),
  run: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  model: z.string().optional(),
  route: z.string().optional(),
  target: z.string().optional(),
  provider: z.string().optional(),
  upstreamModel: z.string().optional(),
  upstreamRequestId: z.string().optional(),
  attempts: count,
  /** By kind, as `TokenCounts` of a usage event; absent: the provider told none. */
  tokens: z.record(z.string(), count).optional(),
  serviceTier: z.string().optional(),
  /** Absent: unpriced. Both with all corrections. */
  costUsd: usdText.optional(),
  heldUsd: usdText.optional(),
  estimated: z.boolean().optional(),
  billingReason: z.string().optional(),
  /** Version of the price it was reckoned at. */
  price: z.string().optional(),
  folded: z.int().min(2).optional(),
  /** In the order in which they were made; the record itself is never changed. */
  corrections: z
    .array(
      z.strictObject({
        id: z.string(),
        kind: z.enum(["Reprice", "Settle"]),
        deltaCostUsd: usdText,
        deltaHeldUsd: usdText,
        price: z.string().optional(),
        by: z.string(),
        reason: z.string(),
        at: timeText,
      }),
    )
    .optional(),
});
export type UsageRecord = z.output<typeof usageRecord>;

export const usageList = z.strictObject({
  items: z.array(usageRecord),
  /** Where to go on; absent: this was the end. */
  cursor: z.string().optional(),
});
export type UsageList = z.output<typeof usageList>;
