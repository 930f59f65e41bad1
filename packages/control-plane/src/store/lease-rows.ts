/** Rows of the tables of leases as JSON, on their way out of the database and into it. int8 beyond 2^53 travels as text. */

import { readAccountId } from "@sluice/contract";
import {
  type AccountState,
  type EpochState,
  type LeaseState,
  type RecordChanges,
  ruleKey,
  type SessionState,
  type WindowState,
} from "@sluice/limits";
import { type SQL, sql } from "drizzle-orm";

/** Select lists, and the same as values of this side. */
export const epochColumns = sql`json_build_array(version, epoch, since_ms, doubled)`;
type EpochRow = [number, string, number, boolean];
export function epochOf([version, epoch, sinceMs, doubled]: EpochRow): EpochState {
  return { version, epoch, sinceMs, doubled };
}

export const windowColumns = sql`json_build_array(rule, version, starts_at_ms, ends_at_ms, accounts)`;
type WindowRow = [string, number, number, number, number];
export function windowOf([rule, version, startsAtMs, endsAtMs, accounts]: WindowRow): WindowState {
  return { rule, version, startsAtMs, endsAtMs, accounts };
}

export const sessionColumns = sql`json_build_array(session, version, state, secret_hash, instance_name, incarnation, sequence,
  digest, heard_at_ms, epoch)`;
type SessionRow = [string, number, SessionState["state"], string, string, number, number, string, number, string];
export function sessionOf(row: SessionRow): SessionState {
  const [session, version, state, secretHash, instanceName, incarnation, sequence, digest, heardAtMs, epoch] = row;
  return {
    ...{ session, version, state, secretHash, instanceName, incarnation, sequence, digest, heardAtMs, epoch },
  };
}

/** Of `limit_accounts a`. */
export const accountColumns: SQL = sql`json_build_array(a.id, a.version, a.ends_at_ms, a.closed::text, a.carried::text,
  a.expired::text, a.expiring, a.recalled_at_ms, (
    select json_agg(json_build_array(l.session, l.granted, l.returned, l.settled::text, l.reserved, l.state))
    from limit_leases l where l.account = a.id))`;
type LeaseRow = [string, number, number, string, number, LeaseState["state"]];
type AccountRow = [
  string,
  number,
  number | null,
  string,
  string,
  string,
  [number, string][],
  number,
  LeaseRow[] | null,
];
export function accountOf(row: AccountRow): AccountState {
  const [id, version, endsAtMs, closed, carried, expired, expiring, recalledAtMs, leases] = row;
  return {
    ...{ id, version, endsAtMs, recalledAtMs },
    ...{ closed: BigInt(closed), carried: BigInt(carried), expired: BigInt(expired) },
    expiring: expiring.map(([untilMs, amount]) => ({ untilMs, amount: BigInt(amount) })),
    leases: new Map((leases ?? []).map((lease) => [lease[0], leaseOf(lease)])),
  };
}
function leaseOf([, granted, returned, settled, reserved, state]: LeaseRow): LeaseState {
  return {
    ...{ granted: BigInt(granted), returned: BigInt(returned), settled: BigInt(settled), reserved: BigInt(reserved) },
    state,
  };
}

/** What `writeLeases` gives to the database. Members are named as the columns are. */
export function changesText({ epoch, sessions, windows, accounts }: RecordChanges): string {
  return JSON.stringify({
    epoch: epoch === undefined ? [] : [{ ...epoch, since_ms: whole(epoch.sinceMs) }],
    sessions: sessions.map((row) => ({
      ...{ session: row.session, version: row.version, state: row.state, secret_hash: row.secretHash },
      ...{ instance_name: row.instanceName, incarnation: row.incarnation, sequence: row.sequence },
      ...{ digest: row.digest, heard_at_ms: whole(row.heardAtMs), epoch: row.epoch },
    })),
    windows: windows.map((row) => ({
      ...{ rule: row.rule, version: row.version, accounts: row.accounts },
      ...{ starts_at_ms: whole(row.startsAtMs), ends_at_ms: whole(row.endsAtMs) },
    })),
    accounts: accounts.map((row) => ({
      ...{ id: row.id, version: row.version, ...nameParts(row.id) },
      ...{ ends_at_ms: row.endsAtMs === null ? null : whole(row.endsAtMs), recalled_at_ms: whole(row.recalledAtMs) },
      ...{ closed: String(row.closed), carried: String(row.carried), expired: String(row.expired) },
      expiring: row.expiring.map(({ untilMs, amount }) => [whole(untilMs), String(amount)]),
    })),
    leases: accounts.flatMap(({ id, leases }) =>
      [...leases].map(([session, { granted, returned, settled, reserved, state }]) => ({
        ...{ account: id, session, state },
        ...{
          granted: String(granted),
          returned: String(returned),
          settled: String(settled),
          reserved: String(reserved),
        },
      })),
    ),
  });
}

function nameParts(id: string): { limit_uid: string; rule: string } {
  const family = readAccountId(id)?.family;
  if (family === undefined) throw new Error(`${JSON.stringify(id)} is no account id`);
  return { limit_uid: family.limit, rule: ruleKey(family.limit, family.rule) };
}

/** Clocks may tell fractions of a millisecond; the columns are whole. */
function whole(ms: number): number {
  return Math.trunc(ms);
}
