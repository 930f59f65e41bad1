/** How long an amount lasts: by a calendar, rolling, or (left out) for good. */

import { z } from "zod";
import { durationBetween } from "./duration.ts";
import { withRule } from "./rule.ts";
import { exactlyOne } from "./union.ts";

const calendarUnits = ["Hour", "Day", "Week", "Month", "Quarter", "Year"] as const;

/** CEL has no list of zones: the API server sees the form alone, our reader looks the name up. */
const timeZone = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/, 'must be an IANA time zone such as "Europe/Berlin"')
  .refine(isTimeZone, 'is not a known time zone; write an IANA name such as "Europe/Berlin" or "UTC"');

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const members = z.strictObject({
  calendar: z
    .enum(calendarUnits)
    .optional()
    .describe(
      "Turns with the calendar. Weeks begin on Monday; months, quarters and years at midnight of their first day.",
    ),
  timezone: timeZone.optional().describe("IANA name of the calendar's time zone. Effective default: UTC."),
  startMonth: z
    .int()
    .min(1)
    .max(12)
    .optional()
    .describe("Month that the year, and so its quarters, begins with. Effective default: 1."),
  rolling: durationBetween("1m", "8784h")
    .optional()
    .describe("What was spent counts for this long, such as `720h`: 1m to 8784h (366 days)."),
});

export const limitWindow = withRule(
  withRule(exactlyOne(members, ["calendar", "rolling"]), {
    cel: "!has(self.timezone) || has(self.calendar)",
    message: "timezone belongs to a calendar window",
    holds: ({ timezone, calendar }) => timezone === undefined || calendar !== undefined,
    path: ["timezone"],
  }),
  {
    cel: "!has(self.startMonth) || (has(self.calendar) && self.calendar in ['Quarter', 'Year'])",
    message: "startMonth belongs to a calendar window of a Quarter or Year",
    holds: ({ startMonth, calendar }) => startMonth === undefined || calendar === "Quarter" || calendar === "Year",
    path: ["startMonth"],
  },
);
export type LimitWindowSpec = z.output<typeof limitWindow>;
