/** The real clock and the real randomness, as the planes want them. */

import { randomBytes } from "node:crypto";

export const processClock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

export const processRandom = {
  bytes: (count: number): Uint8Array => randomBytes(count),
  fraction: () => Math.random(),
};
