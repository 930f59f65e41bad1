/**
 * The ledger of usage bills, the account holds; once nothing of an account's leases is left, both have counted the same calls
 * and must agree to the last unit. A difference is a fault of ours, or of a disk that lost records: it is told, never evened out.
 */

import { readAccountId } from "@sluice/contract";
import { type AccountState, unsettledOf } from "@sluice/limits";
import type { Log } from "../log.ts";
import type { LeaseStore } from "../store/lease-store.ts";

export type Disagreement = {
  readonly account: string;
  /** In the account's unit. */
  readonly settled: bigint;
  readonly charged: bigint;
};

export type Agreement = {
  readonly checked: number;
  /** Accounts with leases that something is left of: they can't be compared. */
  readonly open: number;
  readonly differing: readonly Disagreement[];
};

/** A record begins with its request's first byte, which may be before the window that it is charged to. */
const earlierMsMax = 3_600_000;
const toldMax = 20;

/** Of accounts whose window ended in the time; `untilMs` leaves records on their way the time to come. */
export async function checkAgreement(
  { store, log }: { store: Pick<LeaseStore, "listAccounts" | "ledgerCharges">; log: Log },
  { sinceMs, untilMs }: { sinceMs: number; untilMs: number },
): Promise<Agreement> {
  const all = await store.listAccounts({ endsAfterMs: sinceMs });
  const ended = all.filter(({ endsAtMs }) => endsAtMs !== null && endsAtMs <= untilMs);
  const agreement = await compare(store, ended);
  for (const { account, settled, charged } of agreement.differing.slice(0, toldMax))
    log.error("an account and the ledger do not agree", {
      account,
      settled: String(settled),
      charged: String(charged),
    });
  return agreement;
}

/** Of these accounts, whatever their windows. */
export async function compare(
  store: Pick<LeaseStore, "ledgerCharges">,
  accounts: readonly AccountState[],
): Promise<Agreement> {
  const closed = accounts.filter(isClosed);
  const windows = closed.map(({ id }) => readAccountId(id)?.window ?? 0);
  const sinceMs = Math.max(Math.min(...windows, Number.MAX_SAFE_INTEGER) - earlierMsMax, 0);
  const ids = closed.map(({ id }) => id);
  const charges = await store.ledgerCharges(ids, sinceMs);
  const differing = closed.flatMap((account): Disagreement[] => {
    const { id } = account;
    const [settled, charged] = [settledOf(account), charges.get(id) ?? 0n];
    return charged === settled ? [] : [{ account: id, settled, charged }];
  });
  return { checked: closed.length, open: accounts.length - closed.length, differing };
}

function isClosed({ leases }: AccountState): boolean {
  return [...leases.values()].every((lease) => unsettledOf(lease) === 0n && lease.reserved === 0n);
}

function settledOf({ closed, leases }: AccountState): bigint {
  let settled = closed;
  for (const lease of leases.values()) settled += lease.settled;
  return settled;
}
