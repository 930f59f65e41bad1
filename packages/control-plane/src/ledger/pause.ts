/**
 * How long to leave the core to the traffic after some recording: nineteen times as long as that took, so that recording has at
 * most a twentieth of it; less when nobody else wants it, so that a backlog, which waits in the spool, goes quickly.
 */

import { type EventLoopUtilization, performance } from "node:perf_hooks";
import { type Clock, sleep } from "../clock.ts";

const shares = 19;
/** Below the ten seconds after which a spool sends a batch again. */
const shareMsMax = 200;
/** A loop that works less than this is idle. */
const idleBelow = 0.25;

export async function pause(workMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  for (let share = 0; share < shares && !signal.aborted; share++) {
    await sleep(clock, Math.min(workMs, shareMsMax), signal);
    const now = performance.eventLoopUtilization();
    if (performance.eventLoopUtilization(now, before).utilization < idleBelow) return;
    before = now;
  }
}
