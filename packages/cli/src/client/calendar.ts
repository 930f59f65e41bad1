/** Where days, weeks, months, quarters and years begin by the clock of a time zone. */

export const calendarUnits = ["day", "week", "month", "quarter", "year"] as const;
export type CalendarUnit = (typeof calendarUnits)[number];

/** Year, month (1 to 12), day. A month of 0 is December of the year before, and so on. */
type CalendarDate = { readonly year: number; readonly month: number; readonly day: number };

/** The begin of the unit that `atMs` lies in; `back`: of so many units before. */
export function startOf(unit: CalendarUnit, atMs: number, how: { timezone: string; back?: number }): number {
  const { timezone, back = 0 } = how;
  return midnight(firstDate(unit, dateAt(atMs, timezone), back), timezone);
}

/** The first moment of a date: not always at 00:00, where clocks are put forward then. */
export function midnight({ year, month, day }: CalendarDate, timezone: string): number {
  const local = Date.UTC(year, month - 1, day);
  // The zone's distance may differ between the guess and the answer: the second look is at the answer.
  const guess = local - offsetAt(local, timezone);
  return local - offsetAt(guess, timezone);
}

function firstDate(unit: CalendarUnit, { year, month, day }: CalendarDate, back: number): CalendarDate {
  switch (unit) {
    case "day":
      return { year, month, day: day - back };
    case "week": {
      const sinceMonday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
      return { year, month, day: day - sinceMonday - 7 * back };
    }
    case "month":
      return { year, month: month - back, day: 1 };
    case "quarter":
      return { year, month: month - ((month - 1) % 3) - 3 * back, day: 1 };
    case "year":
      return { year: year - back, month: 1, day: 1 };
  }
}

function dateAt(atMs: number, timezone: string): CalendarDate {
  const local = new Date(atMs + offsetAt(atMs, timezone));
  return { year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate() };
}

/** How far the zone's clock is ahead of UTC at that moment. Throws a RangeError when there is no such zone. */
function offsetAt(atMs: number, timeZone: string): number {
  const options = { timeZone, hourCycle: "h23" } as const;
  const format = new Intl.DateTimeFormat("en-US", {
    ...options,
    ...{ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" },
  });
  const part = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1_000) * 1_000;
}
