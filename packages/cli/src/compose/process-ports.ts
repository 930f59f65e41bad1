/** The real clock and the real randomness, as the planes want them. */

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

/** Of the machine, so that what one process notes another one of the same boot can read. */
const monotonicAtStartMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const processClock = {
  wallMs: () => Date.now(),
  monotonicMs: () => monotonicAtStartMs + performance.now(),
};

/** Of the running kernel: another one says that the machine was restarted. Where there is none, no process trusts another's. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return randomBytes(16).toString("hex");
  }
}

export const processRandom = {
  bytes: (count: number): Uint8Array => randomBytes(count),
  fraction: () => Math.random(),
};
