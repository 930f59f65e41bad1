import { calendarUnits } from "@sluice/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { windowAt } from "./window.ts";

const zones = ["UTC", "Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"];

test("a moment lies in its window, and the next window begins where it ends", () => {
  const window = fc.record({
    kind: fc.constant("calendar" as const),
    unit: fc.constantFrom(...calendarUnits),
    timezone: fc.constantFrom(...zones),
    startMonth: fc.integer({ min: 1, max: 12 }),
  });
  const now = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2040, 0) });
  fc.assert(
    fc.property(window, now, (calendar, nowMs) => {
      const { startsAtMs, endsAtMs } = windowAt(calendar, nowMs);
      expect(startsAtMs).toBeLessThanOrEqual(nowMs);
      expect(endsAtMs).toBeGreaterThan(nowMs);
      expect(windowAt(calendar, startsAtMs).startsAtMs).toBe(startsAtMs);
      // Where the clock moves by half an hour, an hour and the next one may share a part: the record begins it where this ends.
      const next = windowAt(calendar, endsAtMs ?? 0).startsAtMs;
      if (calendar.timezone !== "Australia/Lord_Howe" || calendar.unit !== "Hour") expect(next).toBe(endsAtMs);
    }),
    { numRuns: 2_000 },
  );
});
