import type { UsageEvent } from "@sluice/contract";
import { expect, test } from "vitest";
import { accountDelta, type Correction } from "./correction.ts";

/** A record of 240 that were billed and 1,100 that are held. */
const event = { costNanoUsd: 240, heldNanoUsd: 1_100 } as UsageEvent;

function correction(cost: bigint, held: bigint): Correction {
  return { deltaCostNanoUsd: cost, deltaHeldNanoUsd: held } as Correction;
}
const givenBack = correction(0n, -1_100n);

test.for([
  ["an account of the whole call gets back what was held", 1_340n, [], givenBack, -1_100n],
  ["one of the attempt that was billed gets nothing back", 217n, [], givenBack, 0n],
  ["one of the attempt that was cut keeps what the whole call may have cost", 1_123n, [], givenBack, -883n],
  ["a higher bill is charged to all", 217n, [], correction(60n, 0n), 60n],
  ["what an earlier correction gave back is not given back again", 1_123n, [givenBack], correction(-40n, 0n), -40n],
  ["nor where it was given nothing", 217n, [givenBack], correction(-20n, 0n), 0n],
] as const)("%s", ([, charged, corrections, next, delta]) => {
  expect(accountDelta(charged, { event, corrections }, next)).toBe(delta);
});
