/** StopPlan: calls that somebody has stopped by hand, until a time or for good. Beside the resources: no manifest revives them. */

import { z } from "zod";

export const stopDimensions = ["Team", "Service", "User", "Key", "Model", "Provider"] as const;

export const stopPlan = z.strictObject({
  dimension: z.enum(stopDimensions),
  value: z.string(),
  /** Unix milliseconds; absent: until it is undone. */
  untilMs: z.int().optional(),
  reason: z.string(),
});
export type StopPlan = z.infer<typeof stopPlan>;
