/**
 * Times as people type them: `24h` and `7d` (ago, or from now), `2026-11-01`, `2026-11-01T08:00:00Z`, `today`, `yesterday`,
 * `this month`, `last week`. Days and what is longer begin by the clock of a time zone.
 */

import { CommandError } from "../command-error.ts";
import { calendarUnits, midnight, startOf } from "./calendar.ts";

export type Now = { readonly nowMs: number; readonly timezone: string };
export type Period = { readonly sinceMs: number; readonly untilMs: number };

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** `until` left out: now; for `yesterday` and `last …`, their end. */
export function parsePeriod(words: { since: string; until?: string | undefined }, now: Now): Period {
  checkZone(now.timezone);
  const sinceMs = parsePast(words.since, now);
  const untilMs = words.until === undefined ? endOf(words.since, now) : parsePast(words.until, now);
  if (sinceMs >= untilMs)
    throw new CommandError(
      `${JSON.stringify(words.since)} is not before ${words.until === undefined ? "now" : JSON.stringify(words.until)}`,
    );
  return { sinceMs, untilMs };
}

/** A time to come, RFC 3339: `2h`, `30d`, or itself. */
export function parseUntil(text: string, now: Now): string {
  checkZone(now.timezone);
  const lasting = durationMs(text);
  const atMs = lasting === undefined ? pointMs(text, now) : now.nowMs + lasting;
  if (atMs === undefined)
    throw new CommandError(`can't read ${JSON.stringify(text)}: write 2h, 30d, 2026-12-01 or 2026-12-01T08:00:00Z`);
  if (atMs <= now.nowMs) throw new CommandError(`${JSON.stringify(text)} lies in the past`);
  return rfc3339(Math.ceil(atMs / 1_000) * 1_000);
}

export function rfc3339(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.000Z$/, "Z");
}

function parsePast(text: string, now: Now): number {
  const ago = durationMs(text);
  const atMs = ago === undefined ? (namedMs(text, now) ?? pointMs(text, now)) : now.nowMs - ago;
  if (atMs !== undefined) return atMs;
  throw new CommandError(
    `can't read ${JSON.stringify(text)}: write 24h, 7d, 2026-11-01, 2026-11-01T08:00:00Z, "today", "this month" or "last week"`,
  );
}

function durationMs(text: string): number | undefined {
  const [, count, unit] = /^([1-9][0-9]{0,5})([smhdw])$/.exec(text.trim()) ?? [];
  return unit === undefined ? undefined : Number(count) * unitMs[unit as keyof typeof unitMs];
}

function pointMs(text: string, { timezone }: Now): number | undefined {
  const [, year, month, day] = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text.trim()) ?? [];
  if (day !== undefined) {
    const date = { year: Number(year), month: Number(month), day: Number(day) };
    const isReal = new Date(Date.UTC(date.year, date.month - 1, date.day)).getUTCDate() === date.day;
    return isReal && date.month >= 1 && date.month <= 12 ? midnight(date, timezone) : undefined;
  }
  // A time without a zone would be this machine's: it must say one.
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$/.test(text.trim())) return undefined;
  const atMs = Date.parse(text.trim());
  return Number.isNaN(atMs) ? undefined : atMs;
}

function namedMs(text: string, { nowMs, timezone }: Now): number | undefined {
  const name = named(text);
  return name && startOf(name.unit, nowMs, { timezone, back: name.back });
}

function endOf(since: string, { nowMs, timezone }: Now): number {
  const name = named(since);
  return name === undefined || name.back === 0 ? nowMs : startOf(name.unit, nowMs, { timezone, back: name.back - 1 });
}

function named(text: string) {
  const words = text.trim().toLowerCase();
  if (words === "today") return { unit: "day", back: 0 } as const;
  if (words === "yesterday") return { unit: "day", back: 1 } as const;
  const [, which, unit] = /^(this|last)[ -](day|week|month|quarter|year)$/.exec(words) ?? [];
  const found = calendarUnits.find((each) => each === unit);
  return found && { unit: found, back: which === "last" ? 1 : 0 };
}

function checkZone(timezone: string): void {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: timezone });
  } catch {
    throw new CommandError(`there is no time zone ${JSON.stringify(timezone)}: write it as Europe/Berlin`);
  }
}
