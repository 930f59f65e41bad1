/** What a successor in another process goes on from: plain data for the journal. Times are of the wall clock, which both have. */

import { familyKey, type LeaseTotals, type LimitWindow } from "@sluice/contract";
import type { Moment } from "./admit.ts";
import { dropShare, type HeldLease, newLease, totalsOf } from "./held-lease.ts";
import { type HolderState, keepLease } from "./holder-state.ts";

export type HolderSnapshot = {
  readonly epoch: string;
  readonly leases: readonly SnapshotLease[];
  /** By rule: windows whose leases were forgotten. */
  readonly forgotten: readonly (readonly [rule: string, window: number])[];
};

export type SnapshotLease = LeaseTotals & {
  readonly share: HeldLease["share"];
  readonly rateMs: number | null;
  /** By the wall clock; null: for ever. */
  readonly usableUntilMs: number | null;
  readonly endsAtMs: number | null;
};

export function takeSnapshot(
  state: HolderState,
  { epoch, nowMs, wallMs }: Moment & { readonly epoch: string },
): HolderSnapshot {
  const atWall = (ms: number) =>
    ms === Number.POSITIVE_INFINITY ? null : Math.max(0, Math.round(wallMs + ms - nowMs));
  const leases = [...state.leases.values()].map((lease) => ({
    ...totalsOf(lease, nowMs),
    share: lease.share,
    rateMs: lease.rateMs ?? null,
    usableUntilMs: atWall(lease.usableUntilMs),
    endsAtMs: atWall(lease.endsAtMs),
  }));
  return { epoch, leases, forgotten: [...state.forgotten.entries()] };
}

/** What was reserved is settled at its worst; shares are over. */
export function restoreSnapshot(state: HolderState, snapshot: HolderSnapshot, { nowMs, wallMs }: Moment): void {
  const atMonotonic = (ms: number | null) => (ms === null ? Number.POSITIVE_INFINITY : ms - wallMs + nowMs);
  for (const told of snapshot.leases) {
    const key = familyKey(told.family);
    const lease = newLease(told.family, { key, window: told.window, of: windowOf(told) });
    lease.granted = told.granted;
    lease.returned = told.returned;
    lease.settled = told.settled + (told.share === "none" ? told.reserved : 0);
    // Of a rolling window the record counts the time since the last ask: a wall clock that was set must not make it longer.
    const isRolling = told.window === 0 && told.usableUntilMs !== null;
    lease.usableUntilMs = isRolling ? nowMs : atMonotonic(told.usableUntilMs);
    lease.endsAtMs = atMonotonic(told.endsAtMs);
    lease.lastUsedMs = nowMs;
    // A rate counts on, as if all of it were of this moment; slots are free, as their calls have ended with the process.
    lease.use?.add(told.reserved, nowMs);
    dropShare(lease, nowMs);
    keepLease(state, lease);
    state.changed.add(lease);
    const known = state.adopted.get(key);
    if (told.share === "none" && (known === undefined || known.window < lease.window)) state.adopted.set(key, lease);
  }
  for (const [rule, window] of snapshot.forgotten) state.forgotten.add(rule, window);
}

function windowOf({ share, rateMs }: SnapshotLease): LimitWindow {
  if (share === "none") return { kind: "lifetime" };
  return rateMs === null ? { kind: "share" } : { kind: "share", ms: rateMs };
}
