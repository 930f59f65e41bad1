/** Time and log as tests want them: a clock that stands until it is moved, the real one, and a log that can be read. */

import type { Clock } from "../src/clock.ts";
import type { Log } from "../src/log.ts";

export type TestClock = { nowMs(): number; advance(ms: number): void };

export function testClock(startMs = Date.UTC(2026, 0, 2, 3, 4, 5)): TestClock {
  let now = startMs;
  return {
    nowMs: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

export const realClock: Clock = {
  nowMs: () => Date.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};

export type LogLine = {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  fields?: Readonly<Record<string, unknown>>;
};

export function testLog(): Log & { lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    lines.push({ level, message, ...(fields === undefined ? {} : { fields }) });
  };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
