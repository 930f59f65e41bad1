/**
 * What a start makes of a predecessor's journal: the session that it goes on with, and the usage events of calls that were under
 * way when the process was killed, each at its worst case until it is known better.
 */

import { readAccountId } from "@sluice/contract";
import type { HolderSnapshot, Identity, SnapshotLease } from "@sluice/limits";
import type { JournalAmounts, JournalEvent, JournalLease, JournalReserve } from "../journal/record.ts";
import type { Recovered } from "../journal/recover.ts";

export type TakenOver = {
  /** Undefined: the journal proves too little, a new session begins and the old one is written off by the record. */
  readonly session: { readonly identity: Identity; readonly snapshot: HolderSnapshot } | undefined;
  /** Whose events, what the spool may not have of them, and those of calls under way, which have no numbers yet. */
  readonly events:
    | { readonly instance: string; readonly numbered: readonly JournalEvent[]; readonly killed: readonly string[] }
    | undefined;
};

export function takeOver(found: Recovered, now: { instanceName: string; wallMs: number }): TakenOver {
  const { head } = found;
  if (head === undefined) return { session: undefined, events: undefined };
  const own = found.events.filter((event) => event.instance === undefined || event.instance === head.instance);
  const { session, secret } = head;
  const identity = { session, secret, incarnation: head.incarnation + 1, instanceName: now.instanceName };
  const hasGivenAllBack = found.closed && found.leases.length === 0;
  return {
    session: found.complete && !hasGivenAllBack ? { identity, snapshot: snapshotOf(found, now.wallMs) } : undefined,
    events: { instance: head.instance, numbered: own, killed: killedEvents(found) },
  };
}

/** One event an exchange. What it was charged before its open attempt is told by that attempt, else by the exchange's own entry. */
function killedEvents({ open }: Recovered): string[] {
  const byExchange = new Map<string, JournalReserve[]>();
  for (const reserve of open) {
    const exchange = reserve.attempt.split(".")[0] ?? reserve.attempt;
    byExchange.set(exchange, [...(byExchange.get(exchange) ?? []), reserve]);
  }
  return [...byExchange.values()].map(killedMembers);
}

function killedMembers(reserves: readonly JournalReserve[]): string {
  const attempts = reserves.filter(({ attempt }) => attempt.includes("."));
  const tellers = attempts.length === 0 ? reserves : attempts;
  const last = tellers.at(-1) as JournalReserve;
  const charges = new Map<string, number>();
  let [cost, held] = [0, 0];
  const add = (amounts: JournalAmounts) => {
    for (const [account, amount] of amounts) charges.set(account, (charges.get(account) ?? 0) + amount);
  };
  for (const { holds } of reserves) add(holds);
  for (const { worst, charged = [] } of tellers) {
    cost += worst.costNanoUsd ?? 0;
    held += worst.heldNanoUsd ?? 0;
    add(charged);
  }
  return (
    last.exchange +
    `,"costNanoUsd":${cost}` +
    (held > 0 ? `,"heldNanoUsd":${held}` : "") +
    ',"estimated":true,"billingReason":"ProcessKilled"' +
    (last.worst.price === undefined ? "" : `,"price":${JSON.stringify(last.worst.price)}`) +
    (charges.size === 0 ? "" : `,"charges":${JSON.stringify([...charges])}`)
  );
}

/**
 * What was open is settled at its worst. Nothing is spent on what is left before the record has spoken of it, which alone knows when
 * a window ends: a lease that is taken for ended is forgotten, and grants of a forgotten window are never believed again.
 */
function snapshotOf({ leases, open }: Recovered, wallMs: number): HolderSnapshot {
  const reserved = new Map<string, number>();
  for (const { holds } of open) for (const [key, amount] of holds) reserved.set(key, (reserved.get(key) ?? 0) + amount);
  const snapshotLeases = leases.flatMap((lease) => snapshotLease(lease, reserved.get(lease.key) ?? 0, wallMs));
  return { epoch: "", leases: snapshotLeases, forgotten: [] };
}

function snapshotLease(lease: JournalLease, reserved: number, wallMs: number): SnapshotLease[] {
  const account = readAccountId(lease.key);
  if (account === undefined) return [];
  const { limit, rule, values } = account.family;
  const { granted, returned, settled, share = "none" } = lease;
  return [
    {
      ...{ family: { limit, rule, values: [...values] }, window: account.window, granted, returned, settled, reserved },
      ...{ share, rateMs: lease.rateMs ?? null, usableUntilMs: wallMs, endsAtMs: null },
    },
  ];
}
