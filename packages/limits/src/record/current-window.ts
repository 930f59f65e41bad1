/**
 * The window that a rule is in, as the record has it stored. Its boundaries are settled when it is opened: a clock that goes
 * back, or a replica with another time-zone table, stays in the newest one. Another definition of the window opens a new one.
 */

import type { LimitRule } from "@sluice/contract";
import { windowAt } from "../window.ts";
import type { WindowState } from "./record-state.ts";

/** Of windows that never end, in a number that SQL can keep. */
export const neverMs = Number.MAX_SAFE_INTEGER;

/** Two replicas' tables of one time zone differ by no more. */
const zoneDifferenceMs = 2 * 3_600_000;

export function currentWindow(
  rule: LimitRule,
  { key, stored, nowMs }: { key: string; stored: WindowState | undefined; nowMs: number },
): WindowState {
  if (stored !== undefined && !isOfRule(stored, rule)) return open(rule, { key, version: stored.version, atMs: nowMs });
  if (stored !== undefined && nowMs < stored.endsAtMs) return stored;
  const opened = open(rule, { key, version: stored?.version ?? 0, atMs: nowMs });
  return { ...opened, startsAtMs: Math.max(opened.startsAtMs, stored?.endsAtMs ?? 0) };
}

/** The one after it; undefined when there is none. */
export function nextWindow(rule: LimitRule, current: WindowState): WindowState | undefined {
  if (current.endsAtMs === neverMs) return undefined;
  const opened = open(rule, { key: current.rule, version: 0, atMs: current.endsAtMs });
  return { ...opened, startsAtMs: current.endsAtMs };
}

function open(rule: LimitRule, at: { key: string; version: number; atMs: number }): WindowState {
  const { startsAtMs, endsAtMs } = windowAt(rule.window, at.atMs);
  return { rule: at.key, version: at.version, startsAtMs, endsAtMs: endsAtMs ?? neverMs, accounts: 0 };
}

function isOfRule(stored: WindowState, rule: LimitRule): boolean {
  const endsAtMs = windowAt(rule.window, stored.startsAtMs).endsAtMs ?? neverMs;
  if (endsAtMs === stored.endsAtMs) return true;
  const lengthMs = stored.endsAtMs - stored.startsAtMs;
  return Math.abs(endsAtMs - stored.endsAtMs) <= Math.min(zoneDifferenceMs, lengthMs / 2);
}
