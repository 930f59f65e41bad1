/** Time, given by the composition: the control plane never looks at a clock of its own to decide anything. */
export type Clock = {
  /** Unix milliseconds. */
  nowMs(): number;
  /** Calls `act` once, `ms` later; the answer calls it off. */
  after(ms: number, act: () => void): () => void;
};

/** Ends early, without an error, when `signal` aborts. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((wake) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      wake();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener("abort", end);
  });
}
