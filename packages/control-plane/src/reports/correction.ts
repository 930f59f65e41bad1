/**
 * Correction: a record beside a usage record that says by how much it was wrong. The record itself stays as it was; what holds
 * is both together.
 */

import { createHash } from "node:crypto";
import type { UsageEvent } from "@sluice/contract";

export type Correction = {
  readonly id: string;
  readonly instance: string;
  readonly seq: number;
  readonly kind: "Reprice" | "Settle";
  readonly deltaCostNanoUsd: bigint;
  readonly deltaHeldNanoUsd: bigint;
  /** Version of the price that it was reckoned at anew. */
  readonly price: string | null;
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
};

/** A usage record with what has been corrected since, oldest first. */
export type CorrectedUsage = { readonly event: UsageEvent; readonly corrections: readonly Correction[] };

/** What holds now. `costNanoUsd` undefined: unpriced still. */
export function holding({ event, corrections }: CorrectedUsage): {
  readonly costNanoUsd: bigint | undefined;
  readonly heldNanoUsd: bigint;
} {
  const cost = event.costNanoUsd === undefined ? undefined : BigInt(event.costNanoUsd);
  const delta = corrections.reduce((sum, { deltaCostNanoUsd }) => sum + deltaCostNanoUsd, 0n);
  const held = corrections.reduce((sum, one) => sum + one.deltaHeldNanoUsd, BigInt(event.heldNanoUsd ?? 0));
  const isPriced = cost !== undefined || corrections.some(({ price }) => price !== null);
  return { costNanoUsd: isPriced ? (cost ?? 0n) + delta : undefined, heldNanoUsd: held };
}

/**
 * What a correction moves a USD account by that the record had charged `charged`. That is cost and held part together, but less
 * where the account is of one provider and the call had attempts at several: nobody knows then whose part is corrected, so
 * nothing is given back that may have been another's.
 */
export function accountDelta(charged: bigint, { event, corrections }: CorrectedUsage, correction: Correction): bigint {
  let total = BigInt(event.costNanoUsd ?? 0) + BigInt(event.heldNanoUsd ?? 0);
  let ofAccount = charged;
  let moved = 0n;
  for (const { deltaCostNanoUsd, deltaHeldNanoUsd } of [...corrections, correction]) {
    const delta = deltaCostNanoUsd + deltaHeldNanoUsd;
    total += delta;
    const surplus = ofAccount > total ? total - ofAccount : 0n;
    moved = delta < surplus ? surplus : delta;
    ofAccount += moved;
  }
  return moved;
}

/**
 * The id of the next correction of a record: two people who correct it at once, from the same state, make the same id, and
 * the record keeps one of them.
 */
export function nextCorrectionId({ event, corrections }: CorrectedUsage): string {
  const place = `${event.instance}/${event.seq}/${corrections.length + 1}`;
  return `cor_${createHash("sha256").update(place).digest("hex").slice(0, 32)}`;
}
