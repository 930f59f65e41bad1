import type { LimitWindow } from "@sluice/contract";
import { expect, test } from "vitest";
import { windowAt } from "./window.ts";

const berlin = { kind: "calendar", timezone: "Europe/Berlin", startMonth: 1 } as const;

test.for([
  ["an hour", { ...berlin, unit: "Hour" }, "2026-03-01T10:59:59Z", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"],
  [
    "the hour that autumn repeats",
    { ...berlin, unit: "Hour" },
    "2026-10-25T01:30:00Z",
    "2026-10-25T01:00:00Z",
    "2026-10-25T02:00:00Z",
  ],
  [
    "an hour where the zone is half an hour off",
    { ...berlin, timezone: "Asia/Kolkata", unit: "Hour" },
    "2026-03-01T10:45:00Z",
    "2026-03-01T10:30:00Z",
    "2026-03-01T11:30:00Z",
  ],
  [
    "an hour whose clock goes back by half of one",
    { ...berlin, timezone: "Australia/Lord_Howe", unit: "Hour" },
    "2026-04-04T15:20:00Z",
    "2026-04-04T15:00:00Z",
    "2026-04-04T16:00:00Z",
  ],
  ["a day", { ...berlin, unit: "Day" }, "2026-03-01T22:59:59Z", "2026-02-28T23:00:00Z", "2026-03-01T23:00:00Z"],
  [
    "a day of 23 hours",
    { ...berlin, unit: "Day" },
    "2026-03-29T12:00:00Z",
    "2026-03-28T23:00:00Z",
    "2026-03-29T22:00:00Z",
  ],
  [
    "a day of 25 hours",
    { ...berlin, unit: "Day" },
    "2026-10-25T12:00:00Z",
    "2026-10-24T22:00:00Z",
    "2026-10-25T23:00:00Z",
  ],
  [
    "a day whose midnight is skipped",
    { ...berlin, timezone: "America/Santiago", unit: "Day" },
    "2026-09-06T12:00:00Z",
    "2026-09-06T04:00:00Z",
    "2026-09-07T03:00:00Z",
  ],
  [
    "a week, from Monday",
    { ...berlin, unit: "Week" },
    "2026-03-01T12:00:00Z",
    "2026-02-22T23:00:00Z",
    "2026-03-01T23:00:00Z",
  ],
  ["a month", { ...berlin, unit: "Month" }, "2026-03-31T12:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"],
  ["a quarter", { ...berlin, unit: "Quarter" }, "2026-12-31T22:59:59Z", "2026-09-30T22:00:00Z", "2026-12-31T23:00:00Z"],
  [
    "a quarter of a year from April",
    { ...berlin, startMonth: 4, unit: "Quarter" },
    "2026-03-15T12:00:00Z",
    "2025-12-31T23:00:00Z",
    "2026-03-31T22:00:00Z",
  ],
  [
    "a quarter of a year from February",
    { ...berlin, startMonth: 2, unit: "Quarter" },
    "2026-01-15T12:00:00Z",
    "2025-10-31T23:00:00Z",
    "2026-01-31T23:00:00Z",
  ],
  ["a year", { ...berlin, unit: "Year" }, "2026-06-01T00:00:00Z", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"],
  [
    "a year from April",
    { ...berlin, startMonth: 4, unit: "Year" },
    "2026-02-28T00:00:00Z",
    "2025-03-31T22:00:00Z",
    "2026-03-31T22:00:00Z",
  ],
  [
    "a length, counted from 1970",
    { kind: "tumbling", ms: 90_000 },
    "1970-01-01T00:02:59Z",
    "1970-01-01T00:01:30Z",
    "1970-01-01T00:03:00Z",
  ],
] as const)("%s", ([, window, now, starts, ends]) => {
  const bounds = windowAt(window, Date.parse(now));
  expect(new Date(bounds.startsAtMs).toISOString()).toBe(new Date(starts).toISOString());
  expect(new Date(bounds.endsAtMs ?? 0).toISOString()).toBe(new Date(ends).toISOString());
});

test.for<LimitWindow>([{ kind: "lifetime" }, { kind: "rolling", ms: 1_000 }, { kind: "share" }])(
  "$kind has no boundaries",
  (window) => {
    expect(windowAt(window, 5)).toEqual({ startsAtMs: 0, endsAtMs: null });
  },
);
