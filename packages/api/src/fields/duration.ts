/**
 * Durations as the Gateway API writes them (GEP-2257): `30s`, `1m30s`, `500ms`. One to four numbers of at most five
 * digits, each with its unit.
 */

import { z } from "zod";
import { withRule } from "./rule.ts";

const form = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;
const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const dayMs = 86_400_000;
const durationText = z.string().max(32).regex(form, 'must be a duration such as "30s", "1m30s" or "500ms"');

/** Milliseconds of a duration; undefined for any other text. */
export function durationMs(text: string): number | undefined {
  if (!form.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)(h|ms|m|s)/g))
    total += Number(count) * (unitMs[unit ?? ""] ?? 0);
  return total;
}

/** A duration of at least `least` and at most `most`, both included. */
export function durationBetween(least: string, most: string) {
  const [leastMs = 0, mostMs = 0] = [durationMs(least), durationMs(most)];
  return withRule(durationText, {
    cel: `duration(self) >= duration('${least}') && duration(self) <= duration('${most}')`,
    message: `must be at least ${least} and at most ${most}`,
    holds: (text) => {
      const milliseconds = durationMs(text);
      // A text of another form has its own message.
      return milliseconds === undefined || (milliseconds >= leastMs && milliseconds <= mostMs);
    },
  });
}

/** A deadline: longer than nothing, at most a day (timers of most runtimes end at 24 days). */
export const deadline = withRule(durationText, {
  cel: "duration(self) > duration('0s') && duration(self) <= duration('24h')",
  message: "must be longer than 0s and at most 24h",
  holds: (text) => {
    const milliseconds = durationMs(text);
    // A text of another form has its own message.
    return milliseconds === undefined || (milliseconds > 0 && milliseconds <= dayMs);
  },
});
