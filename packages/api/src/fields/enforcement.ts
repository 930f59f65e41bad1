/** What a limit does where it applies: fields that Budget and RateLimit share. */

import { z } from "zod";
import { durationBetween } from "./duration.ts";

export const mode = z
  .enum(["Enforce", "Warn", "Shadow"])
  .default("Enforce")
  .describe(
    "`Enforce` refuses calls that do not fit. `Warn` and `Shadow` keep the same books and refuse nothing; `Warn` says so.",
  );

export const maxWait = durationBetween("0s", "60s")
  .default("5s")
  .describe("How long a call waits for calls in flight to give back what they do not need. 0s to 60s.");

export const maxAccounts = z
  .int()
  .min(1)
  .max(10_000)
  .default(10_000)
  .describe("Accounts a window that `per` may open; further values share the account `(other)`.");

export const whenUnavailable = z.enum(["Refuse", "Allow"]);
