/**
 * Sums of an account. `committed` is what can no longer be granted; `spent` is the part of it that no call in flight and no
 * idle lease will give back. A lease counts with what it holds, or with what it has settled where that is more.
 */

import type { AccountState, LeaseState } from "./record-state.ts";

/** Entries of `expiring` that an account keeps; beyond, neighbours are merged into the later one. */
const expiringMax = 64;

export const noLease: LeaseState = { granted: 0n, returned: 0n, settled: 0n, reserved: 0n, state: "Open" };

export function emptyAccount(id: string, endsAtMs: number | null): AccountState {
  return {
    id,
    version: 0,
    endsAtMs,
    closed: 0n,
    carried: 0n,
    expiring: [],
    expired: 0n,
    leases: new Map(),
    recalledAtMs: 0,
  };
}

const unheard = "/unheard";

/** Among the leases of an account: what a session is counted with once more, as it was not heard under a new epoch. */
export function unheardOf(session: string): string {
  return session + unheard;
}

/** The session that a lease is counted for. */
export function sessionOf(holder: string): string {
  return holder.endsWith(unheard) ? holder.slice(0, -unheard.length) : holder;
}

/** What a lease takes of its account. */
export function heldOf(lease: LeaseState): bigint {
  const holding = lease.granted - lease.returned;
  if (holding > lease.settled) return holding;
  return lease.settled;
}

/** What of a lease is neither settled nor given back. */
export function unsettledOf(lease: LeaseState): bigint {
  return heldOf(lease) - lease.settled;
}

export function committedOf(account: AccountState): bigint {
  let sum = account.carried + account.closed - account.expired;
  for (const lease of account.leases.values()) sum += heldOf(lease);
  return sum;
}

/** Settled, and what is written off. */
export function spentOf(account: AccountState): bigint {
  let sum = account.carried + account.closed - account.expired;
  for (const lease of account.leases.values()) sum += lease.state === "WrittenOff" ? heldOf(lease) : lease.settled;
  return sum;
}

/** Negative where an edit or an overrun has left more committed than the limit allows. */
export function freeOf(account: AccountState, amount: bigint): bigint {
  return amount - committedOf(account);
}

export function withLease(account: AccountState, session: string, lease: LeaseState): AccountState {
  return { ...account, leases: new Map(account.leases).set(session, lease) };
}

/** Rolling windows: `amount` was settled just now, and counts until `untilMs`. */
export function withExpiring(account: AccountState, untilMs: number, amount: bigint): AccountState {
  const expiring = [...account.expiring, { untilMs, amount }].sort((left, right) => left.untilMs - right.untilMs);
  while (expiring.length > expiringMax) mergeNearest(expiring);
  return { ...account, expiring };
}

/** The two that expire closest to each other become one that expires with the later: what counts is never too little. */
function mergeNearest(expiring: { untilMs: number; amount: bigint }[]): void {
  let nearest = 0;
  for (let index = 1; index < expiring.length - 1; index++)
    if (gapAfter(expiring, index) < gapAfter(expiring, nearest)) nearest = index;
  const [early, late] = expiring.slice(nearest, nearest + 2) as [
    { amount: bigint },
    { untilMs: number; amount: bigint },
  ];
  expiring.splice(nearest, 2, { untilMs: late.untilMs, amount: early.amount + late.amount });
}

function gapAfter(expiring: readonly { untilMs: number }[], index: number): number {
  return (expiring[index + 1]?.untilMs ?? 0) - (expiring[index]?.untilMs ?? 0);
}

/** Rolling windows: what has run out counts no more. */
export function expire(account: AccountState, nowMs: number): AccountState {
  let gone = 0n;
  const expiring = account.expiring.filter(({ untilMs, amount }) => {
    if (untilMs > nowMs) return true;
    gone += amount;
    return false;
  });
  return gone === 0n ? account : { ...account, expiring, expired: account.expired + gone };
}

/** A correction: an operator's, a reprice, a held part given back. What is spent never falls below nothing. */
export function adjust(account: AccountState, delta: bigint): AccountState {
  const spent = spentOf(account);
  return { ...account, carried: account.carried + (spent + delta < 0n ? -spent : delta) };
}

/** A changed selector: the account counts at least what the ledger knows under the new one. */
export function raiseTo(account: AccountState, history: bigint): AccountState {
  const spent = spentOf(account);
  return spent >= history ? account : { ...account, carried: account.carried + history - spent };
}

/** A changed `per`: a new account starts with the ledger's history and all that is not settled on those before it. */
export function carryOver(account: AccountState, history: bigint, predecessors: Iterable<AccountState>): AccountState {
  let start = history;
  for (const predecessor of predecessors) for (const lease of predecessor.leases.values()) start += unsettledOf(lease);
  return raiseTo(account, start);
}

/** An operator's word that what a dead session had left was not spent. */
export function giveBack(account: AccountState, session: string): AccountState {
  let after = account;
  for (const holder of [session, unheardOf(session)]) {
    const lease = account.leases.get(holder);
    if (lease?.state === "WrittenOff") after = withLease(after, holder, withoutUnsettled(lease));
  }
  return after;
}

/** Nothing of the lease is left but what is settled. */
export function withoutUnsettled(lease: LeaseState): LeaseState {
  return { ...lease, returned: lease.returned + unsettledOf(lease), reserved: 0n };
}
