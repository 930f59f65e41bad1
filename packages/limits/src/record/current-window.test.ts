import type { LimitRule, LimitWindow } from "@sluice/contract";
import { expect, test } from "vitest";
import { currentWindow, neverMs, nextWindow } from "./current-window.ts";

const day: LimitWindow = { kind: "calendar", unit: "Day", timezone: "UTC", startMonth: 1 };
const month: LimitWindow = { ...day, unit: "Month" };
const noon = Date.UTC(2026, 2, 10, 12);
const [midnight, nextMidnight] = [Date.UTC(2026, 2, 10), Date.UTC(2026, 2, 11)];

function rule(window: LimitWindow): LimitRule {
  return { name: "usd", unit: "nanoUsd", amount: "1", window };
}

function open(window: LimitWindow, nowMs = noon) {
  return currentWindow(rule(window), { key: "limit/usd", stored: undefined, nowMs });
}

test("a window stays the same row until it ends, and the next begins where it ends", () => {
  const stored = { ...open(day), version: 3, accounts: 7 };
  expect(currentWindow(rule(day), { key: "limit/usd", stored, nowMs: nextMidnight - 1 })).toBe(stored);
  expect(currentWindow(rule(day), { key: "limit/usd", stored, nowMs: nextMidnight })).toMatchObject({
    ...{ version: 3, startsAtMs: nextMidnight, accounts: 0 },
  });
  expect(nextWindow(rule(day), stored)?.startsAtMs).toBe(nextMidnight);
});

test("a clock that goes back does not lead back", () => {
  const stored = open(day, nextMidnight);
  expect(currentWindow(rule(day), { key: "limit/usd", stored, nowMs: noon })).toBe(stored);
});

test("a replica whose time zones are an hour off keeps the stored boundaries", () => {
  const stored = { ...open(day), endsAtMs: nextMidnight + 3_600_000 };
  expect(currentWindow(rule(day), { key: "limit/usd", stored, nowMs: nextMidnight + 1 })).toBe(stored);
});

test.for([
  ["from Day to Month", day, month, Date.UTC(2026, 2, 1), Date.UTC(2026, 3, 1)],
  ["from Month to Day", month, day, midnight, nextMidnight],
  ["from Day to none", day, { kind: "lifetime" }, 0, neverMs],
  ["from none to Day", { kind: "lifetime" }, day, midnight, nextMidnight],
] as const)("an edit opens the window of the new definition at once: %s", ([, before, after, startsAtMs, endsAtMs]) => {
  const stored = open(before);
  const opened = currentWindow(rule(after), { key: "limit/usd", stored, nowMs: noon });
  expect([opened.startsAtMs, opened.endsAtMs]).toEqual([startsAtMs, endsAtMs]);
});

test("what never ends has no next window", () => {
  expect(nextWindow(rule({ kind: "lifetime" }), open({ kind: "lifetime" }))).toBeUndefined();
});
