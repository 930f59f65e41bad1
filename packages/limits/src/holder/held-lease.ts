/**
 * A lease as its holder keeps it: totals, and how long it may be spent. Its rule, at every moment:
 *
 *   returned + settled + reserved ≤ granted      but for overruns, and for limits that refuse nothing
 */

import { accountId, type Family, type LeaseTotals, type LimitWindow } from "@sluice/contract";
import { SlidingUse } from "./sliding-use.ts";

export type HeldLease = {
  /** `accountId`. */
  readonly id: string;
  readonly family: LeaseTotals["family"];
  /** `familyKey`. */
  readonly key: string;
  readonly window: number;
  granted: number;
  returned: number;
  settled: number;
  /** Of running attempts. Rates count in `use` instead: an attempt takes of them once, when it begins. */
  reserved: number;
  readonly share: "none" | "slots" | "rate";
  /** Rates. */
  readonly use: SlidingUse | undefined;
  readonly rateMs: number | undefined;
  /** By the holder's monotonic clock: from when and until when it may be spent. */
  usableFromMs: number;
  usableUntilMs: number;
  /** By the same clock: when the window certainly has ended. */
  endsAtMs: number;
  /** Another window has followed. */
  isEnded: boolean;
  lastUsedMs: number;
  /** What the record knows of `settled`. */
  toldSettled: number;
};

export function newLease(
  family: Family,
  { key, window, of }: { key: string; window: number; of: LimitWindow },
): HeldLease {
  const share = of.kind !== "share" ? "none" : of.ms === undefined ? "slots" : "rate";
  return {
    id: accountId(family, window),
    family: { limit: family.limit, rule: family.rule, values: [...family.values] },
    key,
    window,
    ...{ granted: 0, returned: 0, settled: 0, reserved: 0 },
    share,
    rateMs: of.kind === "share" ? of.ms : undefined,
    use: of.kind === "share" && of.ms !== undefined ? new SlidingUse(of.ms) : undefined,
    ...{ usableFromMs: 0, usableUntilMs: 0, endsAtMs: Number.POSITIVE_INFINITY },
    isEnded: false,
    lastUsedMs: 0,
    toldSettled: 0,
  };
}

/** What running attempts, and a rate's last length, keep of it. */
function reservedOf(lease: HeldLease, nowMs: number): number {
  return lease.use === undefined ? lease.reserved : lease.use.usedAt(nowMs);
}

/** What a new attempt may still take. */
export function roomOf(lease: HeldLease, nowMs: number): number {
  return lease.granted - lease.returned - lease.settled - reservedOf(lease, nowMs);
}

/** Gives up to `keep` less than all that is idle. What is given back is told before anybody else can have it. */
export function returnIdle(lease: HeldLease, { keep, nowMs }: { keep: number; nowMs: number }): boolean {
  const idle = roomOf(lease, nowMs) - keep;
  if (idle <= 0) return false;
  lease.returned += idle;
  return true;
}

/**
 * A share may be another's by now: what is not in use goes back, and nothing is taken of the rest until the record has spoken
 * of it again. What is in use stays told as such, so that nobody else is given it while it lasts.
 */
export function dropShare(lease: HeldLease, nowMs: number): boolean {
  if (lease.share === "none" || lease.granted <= lease.returned) return false;
  lease.usableUntilMs = nowMs;
  returnIdle(lease, { keep: 0, nowMs });
  return true;
}

export function totalsOf(lease: HeldLease, nowMs: number): LeaseTotals {
  const { family, window, granted, returned, settled } = lease;
  return { family, window, granted, returned, settled, reserved: Math.max(0, reservedOf(lease, nowMs)) };
}
