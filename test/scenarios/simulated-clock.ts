/** A clock that runs by itself and can be moved on, for all planes of an installation. Their timers stay real. */

export type SimulatedClock = {
  /** Unix milliseconds. */
  wallMs(): number;
  monotonicMs(): number;
  advance(ms: number): void;
};

export function simulatedClock(startMs: number): SimulatedClock {
  const begunMs = performance.now();
  let advancedMs = 0;
  const sinceMs = () => performance.now() - begunMs + advancedMs;
  return {
    wallMs: () => Math.trunc(startMs + sinceMs()),
    monotonicMs: sinceMs,
    advance(ms) {
      advancedMs += ms;
    },
  };
}
