/** Takes over what a holder tells of its leases. Each total only ever rises: late, lost and repeated messages do no harm. */

import { accountId, type LeaseRequest, type LeaseTotals } from "@sluice/contract";
import { windowAt } from "../window.ts";
import { expire, noLease, unheardOf, withExpiring, withLease, withoutUnsettled } from "./account.ts";
import { type Draft, type Limits, ruleOf } from "./draft.ts";
import type { AccountState, LeaseState } from "./record-state.ts";

export type Books = {
  readonly draft: Draft;
  readonly limits: Limits;
  readonly request: LeaseRequest;
  readonly adopts: boolean;
  readonly nowMs: number;
};

/** Whether the holder was granted what the record has no memory of. A deleted limit's rows may be gone: no proof. */
export function knowsMoreThanRecord({ draft, limits, request, adopts }: Books): boolean {
  if (adopts) return false;
  return request.leases.some((told) => {
    if (ruleOf(limits, told.family) === undefined) return false;
    const lease = draft.account(accountId(told.family, told.window))?.leases.get(request.session);
    return BigInt(told.granted) > (lease?.granted ?? 0n);
  });
}

/** Whether the holder knows less of its own spending than it has told: then somebody else has told it, under its name. */
export function knowsLessThanItTold({ draft, request }: Books): boolean {
  return request.leases.some((told) => {
    const lease = draft.account(accountId(told.family, told.window))?.leases.get(request.session);
    return lease !== undefined && lease.settled > BigInt(told.settled);
  });
}

/** The ids of the accounts that were told of, in the order of the request. */
export function bookTotals(books: Books): Map<LeaseTotals, string> {
  const ids = new Map<LeaseTotals, string>();
  for (const told of books.request.leases) {
    const account = accountFor(told, books);
    if (account === undefined) continue;
    books.draft.writeAccount(booked(account, told, books));
    ids.set(told, account.id);
  }
  return ids;
}

/** Where the amounts belong; undefined: nowhere, as limit and account are gone. */
function accountFor(told: LeaseTotals, { draft, limits, adopts }: Books): AccountState | undefined {
  const id = accountId(told.family, told.window);
  const found = ruleOf(limits, told.family);
  if (found === undefined) return adopts ? draft.accountOrEmpty(id, null) : draft.account(id);
  return draft.accountOrEmpty(id, windowAt(found.rule.window, told.window).endsAtMs);
}

function booked(account: AccountState, told: LeaseTotals, { limits, request, adopts, nowMs }: Books): AccountState {
  const before = account.leases.get(request.session) ?? noLease;
  const lease: LeaseState = {
    granted: adopts ? higher(before.granted, told.granted) : before.granted,
    returned: higher(before.returned, told.returned),
    settled: higher(before.settled, told.settled),
    reserved: BigInt(told.reserved),
    state: "Open",
  };
  const window = ruleOf(limits, told.family)?.rule.window;
  const isRolling = window?.kind === "rolling";
  let after = isRolling ? expire(account, nowMs) : account;
  if (isRolling && lease.settled > before.settled)
    after = withExpiring(after, nowMs + window.ms, lease.settled - before.settled);
  // It has spoken: what it was counted with for its silence is free again.
  const unheard = adopts ? after.leases.get(unheardOf(request.session)) : undefined;
  if (unheard !== undefined) after = withLease(after, unheardOf(request.session), withoutUnsettled(unheard));
  if (!request.closing) return withLease(after, request.session, lease);

  // What a rate's share was used for of late counts on, until silence frees it.
  const inUse = window?.kind === "share" && window.ms !== undefined ? lease.reserved : 0n;
  if (inUse > 0n && lease.granted - lease.returned > inUse)
    return withLease(after, request.session, { ...lease, returned: lease.granted - inUse, state: "WrittenOff" });
  if (inUse > 0n) return withLease(after, request.session, { ...lease, state: "WrittenOff" });
  const last = withoutUnsettled(lease);
  const leases = new Map(after.leases);
  leases.delete(request.session);
  return { ...after, leases, closed: after.closed + last.settled };
}

function higher(known: bigint, told: number): bigint {
  const amount = BigInt(told);
  return amount > known ? amount : known;
}
