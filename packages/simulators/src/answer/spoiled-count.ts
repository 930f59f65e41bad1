/** A count as a vendor with a fault would tell it: absurd, negative, or as a text. What is true is the bill's to keep. */

import type { Knobs } from "../knobs/knobs.ts";

/** Beyond 32 bits, and still a whole number in a double when many are summed. */
const hugeTokens = 1_000_000_000_000;

export function spoiledCount(count: number, knobs: Knobs): number | string {
  if (knobs["huge-usage"]) return hugeTokens;
  if (knobs["negative-usage"]) return -count - 1;
  return knobs["string-usage"] ? String(count) : count;
}
