/** Deadlines, retries and the cap on output: a Route sets them, a Gateway gives the defaults of its Routes. */

import { z } from "zod";
import { deadline, durationMs } from "./duration.ts";
import { distinctList } from "./list.ts";
import { withRule } from "./rule.ts";

export const timeouts = withRule(
  z.strictObject({
    firstByte: deadline
      .optional()
      .describe(
        "Until the first content of an answer. Where nothing sets it: 2m for streams, no limit for answers in one piece.",
      ),
    idle: deadline.optional().describe("Longest silence inside an answer. Effective default: 2m."),
    total: deadline
      .optional()
      .describe("From the request to the answer's end, over all attempts. Effective default: 10m."),
  }),
  {
    cel: "!has(self.firstByte) || !has(self.total) || duration(self.firstByte) <= duration(self.total)",
    message: "firstByte must not be longer than total",
    holds: ({ firstByte, total }) =>
      firstByte === undefined || total === undefined || (durationMs(firstByte) ?? 0) <= (durationMs(total) ?? 0),
    path: ["firstByte"],
  },
);
export type Timeouts = z.output<typeof timeouts>;

const retryReason = z.enum(["ConnectFailure", "Timeout", "RateLimited", "ServerError"]);

export const retry = z.strictObject({
  attempts: z
    .int()
    .min(0)
    .max(10)
    .optional()
    .describe("Further upstream calls after the first, over all targets. Effective default: 2."),
  on: distinctList(retryReason, { max: 4 })
    .optional()
    .describe(
      'What is tried again, as long as no byte has reached the client. Effective default: all four. Write the name in quotes (`"on"`): kubectl reads a bare `on` as true.',
    ),
});
export type Retry = z.output<typeof retry>;

/** More than any model writes. */
export const maxOutputTokens = z.int().min(1).max(10_000_000);
