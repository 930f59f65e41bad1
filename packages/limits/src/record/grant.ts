/**
 * Answers one ask: at least the need where it is free, or nothing and why. The only place where a lease grows, and it never
 * grows past what is free: so committed never passes the limit by a grant.
 */

import { leaseAmountMax, type Shortage } from "@sluice/contract";
import { freeOf, heldOf, noLease, spentOf, withLease } from "./account.ts";
import type { AccountState, LeaseState } from "./record-state.ts";

export type Ask = {
  readonly account: AccountState;
  readonly session: string;
  readonly need: bigint;
  readonly want: bigint;
  /** The limit. */
  readonly amount: bigint;
  /** Shares come back: they are never exhausted. */
  readonly isShare: boolean;
};

export type Granted = { readonly account: AccountState; readonly shortage?: Shortage };

export function grant({ account, session, need, want, amount, isShare }: Ask): Granted {
  const lease = account.leases.get(session) ?? noLease;
  const holding = lease.granted - lease.returned;
  const held = heldOf(lease);
  const free = freeOf(account, amount);

  // An overrun may have settled more than is held: only what passes both makes committed grow.
  const target = lease.settled + lease.reserved + need;
  const grows = target > holding ? target - held : 0n;
  const isTooMuch = lease.returned + target > BigInt(leaseAmountMax);
  if (grows > free || isTooMuch) {
    const isExhausted = !isShare && spentOf(account) + need > amount;
    return { account, shortage: isExhausted ? "Exhausted" : "Reserved" };
  }

  // Ahead of need: at most an equal part of half of what is free, so that the other holders find some too.
  const spare = free > 0n ? free / 2n / BigInt(activeSessions(account, session)) : 0n;
  const ahead = smaller(lease.settled + lease.reserved + want, held + spare);
  const next = smaller(larger(larger(target, ahead), holding), BigInt(leaseAmountMax) - lease.returned);
  if (next <= holding) return { account };
  return { account: withLease(account, session, { ...lease, granted: lease.returned + next }) };
}

/** Whether holders other than this one have something that no call of theirs is using. */
export function othersHoldIdle(account: AccountState, session: string): boolean {
  for (const [holder, lease] of account.leases) if (holder !== session && idleOf(lease) > 0n) return true;
  return false;
}

function idleOf(lease: LeaseState): bigint {
  return lease.state === "Open" ? lease.granted - lease.returned - lease.settled - lease.reserved : 0n;
}

function activeSessions(account: AccountState, session: string): number {
  let count = 1;
  for (const [holder, lease] of account.leases)
    if (holder !== session && lease.state === "Open" && lease.granted > lease.returned + lease.settled) count += 1;
  return count;
}

function larger(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function smaller(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}
