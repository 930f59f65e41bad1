import { expect, test } from "vitest";
import { parsePeriod, parseUntil, rfc3339 } from "./period.ts";

const now = { nowMs: Date.parse("2026-11-24T11:30:00Z"), timezone: "UTC" };

test.for([
  ["24h", "2026-11-23T11:30:00Z", "2026-11-24T11:30:00Z"],
  ["7d", "2026-11-17T11:30:00Z", "2026-11-24T11:30:00Z"],
  ["2026-11-01", "2026-11-01T00:00:00Z", "2026-11-24T11:30:00Z"],
  ["2026-11-01T08:00:00+01:00", "2026-11-01T07:00:00Z", "2026-11-24T11:30:00Z"],
  ["today", "2026-11-24T00:00:00Z", "2026-11-24T11:30:00Z"],
  ["yesterday", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"],
  ["this week", "2026-11-23T00:00:00Z", "2026-11-24T11:30:00Z"],
  ["This Month", "2026-11-01T00:00:00Z", "2026-11-24T11:30:00Z"],
  ["last month", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"],
  ["this quarter", "2026-10-01T00:00:00Z", "2026-11-24T11:30:00Z"],
  ["last-year", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"],
] as const)("since %s is %s to %s", ([since, from, to]) => {
  const { sinceMs, untilMs } = parsePeriod({ since }, now);
  expect([rfc3339(sinceMs), rfc3339(untilMs)]).toEqual([from, to]);
});

test.for([
  // Clocks go back on 2026-10-25 in Berlin and forward on 2026-03-29.
  ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00Z"],
  ["2026-10-26", "Europe/Berlin", "2026-10-25T23:00:00Z"],
  ["this month", "Europe/Berlin", "2026-10-31T23:00:00Z"],
  ["2026-11-01", "Pacific/Auckland", "2026-10-31T11:00:00Z"],
  // In Cairo the day of 2026-04-24 begins at 01:00.
  ["2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00Z"],
] as const)("since %s in %s is %s", ([since, timezone, from]) => {
  expect(rfc3339(parsePeriod({ since }, { ...now, timezone }).sinceMs)).toBe(from);
});

test.for([
  [{ since: "2026-02-30" }, /can't read "2026-02-30"/],
  [{ since: "2026-11-01T08:00" }, /can't read/],
  [{ since: "a while" }, /write 24h/],
  [{ since: "2026-11-25" }, /is not before now/],
  [{ since: "2026-11-02", until: "2026-11-01" }, /"2026-11-02" is not before "2026-11-01"/],
] as const)("%j is refused in words", ([words, message]) => {
  expect(() => parsePeriod(words, now)).toThrow(message);
});

test("a time zone that is none is named", () => {
  expect(() => parsePeriod({ since: "24h" }, { ...now, timezone: "Europe/Atlantis" })).toThrow(
    /no time zone "Europe\/Atlantis"/,
  );
});

test("until is a time to come", () => {
  expect(parseUntil("2h", now)).toBe("2026-11-24T13:30:00Z");
  expect(parseUntil("2026-12-01", { ...now, timezone: "Europe/Berlin" })).toBe("2026-11-30T23:00:00Z");
  expect(() => parseUntil("2026-11-01", now)).toThrow(/lies in the past/);
  expect(() => parseUntil("soon", now)).toThrow(/can't read/);
});
