/**
 * The calendar: in which window a moment lies. Days, weeks and longer begin at the first moment of their day in their time
 * zone, whatever the clocks do that night.
 */

import type { CalendarUnit, LimitWindow } from "@sluice/contract";

/** `endsAtMs` null: it never turns. A window without boundaries of its own starts at 0. */
export type WindowBounds = { readonly startsAtMs: number; readonly endsAtMs: number | null };

const unbounded: WindowBounds = { startsAtMs: 0, endsAtMs: null };

export function windowAt(window: LimitWindow, nowMs: number): WindowBounds {
  switch (window.kind) {
    case "lifetime":
    case "rolling":
    case "share":
      return unbounded;
    case "tumbling": {
      const startsAtMs = Math.floor(nowMs / window.ms) * window.ms;
      return { startsAtMs, endsAtMs: startsAtMs + window.ms };
    }
    case "calendar":
      return window.unit === "Hour" ? hourAt(window.timezone, nowMs) : datesAt(window, nowMs);
  }
}

/** By the local clock: an hour that is repeated in autumn is a window of its own. */
function hourAt(timezone: string, nowMs: number): WindowBounds {
  const now = Temporal.Instant.fromEpochMilliseconds(Math.floor(nowMs)).toZonedDateTimeISO(timezone);
  let start = now.with({ minute: 0, second: 0, millisecond: 0, microsecond: 0, nanosecond: 0 });
  // Where clocks move by half an hour, the hour's start may lie more than an hour back.
  while (start.epochMilliseconds + 3_600_000 <= nowMs) start = start.add({ hours: 1 });
  return { startsAtMs: start.epochMilliseconds, endsAtMs: start.epochMilliseconds + 3_600_000 };
}

function datesAt(window: LimitWindow & { kind: "calendar" }, nowMs: number): WindowBounds {
  const now = Temporal.Instant.fromEpochMilliseconds(Math.floor(nowMs)).toZonedDateTimeISO(window.timezone);
  const first = firstDate(window.unit, window.startMonth, now.toPlainDate());
  return {
    startsAtMs: first.toZonedDateTime(window.timezone).epochMilliseconds,
    endsAtMs: first.add(lengths[window.unit]).toZonedDateTime(window.timezone).epochMilliseconds,
  };
}

const lengths: Record<CalendarUnit, Temporal.DurationLike> = {
  Hour: { hours: 1 },
  Day: { days: 1 },
  Week: { weeks: 1 },
  Month: { months: 1 },
  Quarter: { months: 3 },
  Year: { years: 1 },
};

function firstDate(unit: CalendarUnit, startMonth: number, today: Temporal.PlainDate): Temporal.PlainDate {
  switch (unit) {
    case "Hour":
    case "Day":
      return today;
    case "Week":
      return today.subtract({ days: today.dayOfWeek - 1 });
    case "Month":
      return today.with({ day: 1 });
    case "Quarter":
      return monthsBack(today, (today.month - startMonth + 12) % 3);
    case "Year":
      return monthsBack(today, (today.month - startMonth + 12) % 12);
  }
}

function monthsBack(today: Temporal.PlainDate, months: number): Temporal.PlainDate {
  return today.with({ day: 1 }).subtract({ months });
}
