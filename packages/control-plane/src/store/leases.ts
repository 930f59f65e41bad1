/** LeaseStore in SQL: what `answer` of `@sluice/limits` reads and writes. Books and the ledger's sums are in `ledger-sums.ts`. */

import { type AccountState, type RecordChanges, type SessionState, unheardOf } from "@sluice/limits";
import { type SQL, sql } from "drizzle-orm";
import { type Queries, rowsOf, sqlStateOf } from "./database.ts";
import {
  accountColumns,
  accountOf,
  changesText,
  epochColumns,
  epochOf,
  sessionColumns,
  sessionOf,
  windowColumns,
  windowOf,
} from "./lease-rows.ts";
import type { LeaseRows, SilentQuery, StoredLeases } from "./lease-store.ts";
import { texts } from "./usage-dimensions.ts";

/** A write that has to wait longer for a row is answered as a conflict: whoever asked tries again, with what is there then. */
const lockTimeout = "100ms";

/** The timeline is that of the write-ahead log: of the control file it would be the one before, until a checkpoint. */
const memory = sql`((select system_identifier from pg_control_system())::text
  || '.' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))`;

export async function readLeases(queries: Queries, rows: LeaseRows): Promise<StoredLeases> {
  // One statement: all of it is of one moment.
  const [found] = await rowsOf<
    Record<"memory" | "revision" | "epoch" | "windows" | "sessions" | "accounts", string | null>
  >(
    queries,
    sql`select ${memory} as memory,
      (select max(revision)::text from revisions) as revision,
      (select ${epochColumns}::text from record_epoch) as epoch,
      (select json_agg(${windowColumns})::text from limit_windows where rule = any(${texts(rows.windows)})) as windows,
      (select json_agg(${sessionColumns})::text from limit_sessions
        where session = any(${texts(rows.sessions)})) as sessions,
      (select json_agg(${accountColumns})::text from limit_accounts a where a.id = any(${texts(rows.accounts)})) as accounts`,
  );
  const all = <Row, State>(name: "windows" | "sessions" | "accounts", read: (row: Row) => State): State[] =>
    (JSON.parse(found?.[name] ?? "[]") as Row[]).map(read);
  const epoch = found?.epoch;
  return {
    memory: found?.memory ?? "",
    revision: Number(found?.revision ?? 0),
    epoch: epoch === null || epoch === undefined ? undefined : epochOf(JSON.parse(epoch)),
    windows: new Map(all("windows", windowOf).map((row) => [row.rule, row])),
    sessions: new Map(all("sessions", sessionOf).map((row) => [row.session, row])),
    accounts: new Map(all("accounts", accountOf).map((row) => [row.id, row])),
  };
}

/**
 * One statement. First it locks every row that is to change, where its version is still the expected one, in the order of
 * their names; `gate` has a row only if all were; all further parts hang on it. A row that is new and yet there already is a
 * violation of its key, which undoes the statement.
 */
export async function writeLeases(
  queries: Queries,
  changes: RecordChanges,
  expected: { readonly memory: string; readonly epochVersion: number },
): Promise<boolean> {
  try {
    const [written] = await rowsOf<{ passed: bigint }>(queries, writeStatement(changes, expected));
    return written?.passed === 1n;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}

const conflictStates = new Set(["23505", "40001", "40P01", "55P03"]);

function isConflict(error: unknown): boolean {
  return conflictStates.has(sqlStateOf(error) ?? "");
}

function writeStatement(changes: RecordChanges, expected: { memory: string; epochVersion: number }): SQL {
  const { memory: expectedMemory, epochVersion } = expected;
  return sql`with given as materialized (
      select ${changesText(changes)}::text::jsonb as rows, set_config('lock_timeout', ${lockTimeout}, true) as waits
    ), new_epoch as materialized (
      select n.* from given, jsonb_to_recordset(rows->'epoch') as n(
        version int8, epoch text, since_ms int8, doubled boolean)
    ), new_sessions as materialized (
      select n.* from given, jsonb_to_recordset(rows->'sessions') as n(
        session text, version int8, state text, secret_hash text, instance_name text, incarnation int8, sequence int8,
        digest text, heard_at_ms int8, epoch text)
    ), new_windows as materialized (
      select n.* from given, jsonb_to_recordset(rows->'windows') as n(
        rule text, version int8, starts_at_ms int8, ends_at_ms int8, accounts int8)
    ), new_accounts as materialized (
      select n.* from given, jsonb_to_recordset(rows->'accounts') as n(
        id text, version int8, limit_uid text, rule text, ends_at_ms int8, closed int8, carried int8, expired int8,
        expiring jsonb, recalled_at_ms int8)
    ), new_leases as materialized (
      select n.* from given, jsonb_to_recordset(rows->'leases') as n(
        account text, session text, granted int8, returned int8, settled int8, reserved int8, state text)
    ), held_epoch as materialized (
      select e.version from record_epoch e for share of e
    ), same_sessions as materialized (
      select 1 from limit_sessions t join new_sessions n on n.session = t.session and n.version = t.version
      order by t.session for update of t
    ), same_windows as materialized (
      select 1 from limit_windows t join new_windows n on n.rule = t.rule and n.version = t.version
      order by t.rule for update of t
    ), same_accounts as materialized (
      select 1 from limit_accounts t join new_accounts n on n.id = t.id and n.version = t.version
      order by t.id for update of t
    ), gate as materialized (
      select 1 as passed from given
      where ${memory} = ${expectedMemory}
        and coalesce((select version from held_epoch), 0) = ${epochVersion}
        and (select count(*) from same_sessions) = (select count(*) from new_sessions where version > 0)
        and (select count(*) from same_windows) = (select count(*) from new_windows where version > 0)
        and (select count(*) from same_accounts) = (select count(*) from new_accounts where version > 0)
    ), epoch_made as (
      insert into record_epoch (version, epoch, since_ms, doubled)
      select 1, n.epoch, n.since_ms, n.doubled from new_epoch n, gate where n.version = 0
    ), epoch_changed as (
      update record_epoch t set version = n.version + 1, epoch = n.epoch, since_ms = n.since_ms, doubled = n.doubled
      from new_epoch n, gate where t.version = n.version
    ), sessions_made as (
      insert into limit_sessions (
        session, version, state, secret_hash, instance_name, incarnation, sequence, digest, heard_at_ms, epoch)
      select n.session, 1, n.state, n.secret_hash, n.instance_name, n.incarnation, n.sequence, n.digest, n.heard_at_ms,
        n.epoch
      from new_sessions n, gate where n.version = 0 order by n.session
    ), sessions_changed as (
      update limit_sessions t set version = n.version + 1, state = n.state, secret_hash = n.secret_hash,
        instance_name = n.instance_name, incarnation = n.incarnation, sequence = n.sequence, digest = n.digest,
        heard_at_ms = n.heard_at_ms, epoch = n.epoch
      from new_sessions n, gate where t.session = n.session and t.version = n.version
    ), windows_made as (
      insert into limit_windows (rule, version, starts_at_ms, ends_at_ms, accounts)
      select n.rule, 1, n.starts_at_ms, n.ends_at_ms, n.accounts
      from new_windows n, gate where n.version = 0 order by n.rule
    ), windows_changed as (
      update limit_windows t set version = n.version + 1, starts_at_ms = n.starts_at_ms, ends_at_ms = n.ends_at_ms,
        accounts = n.accounts
      from new_windows n, gate where t.rule = n.rule and t.version = n.version
    ), accounts_made as (
      insert into limit_accounts (
        id, version, limit_uid, rule, ends_at_ms, closed, carried, expired, expiring, recalled_at_ms)
      select n.id, 1, n.limit_uid, n.rule, n.ends_at_ms, n.closed, n.carried, n.expired, n.expiring, n.recalled_at_ms
      from new_accounts n, gate where n.version = 0 order by n.id
    ), accounts_changed as (
      update limit_accounts t set version = n.version + 1, ends_at_ms = n.ends_at_ms, closed = n.closed,
        carried = n.carried, expired = n.expired, expiring = n.expiring, recalled_at_ms = n.recalled_at_ms
      from new_accounts n, gate where t.id = n.id and t.version = n.version
    ), leases_kept as (
      insert into limit_leases as t (account, session, granted, returned, settled, reserved, state)
      select n.account, n.session, n.granted, n.returned, n.settled, n.reserved, n.state
      from new_leases n, gate order by n.account, n.session
      on conflict (account, session) do update set granted = excluded.granted, returned = excluded.returned,
        settled = excluded.settled, reserved = excluded.reserved, state = excluded.state
      where (t.granted, t.returned, t.settled, t.reserved, t.state) is distinct from
        (excluded.granted, excluded.returned, excluded.settled, excluded.reserved, excluded.state)
    ), leases_gone as (
      delete from limit_leases t using new_accounts n, gate
      where t.account = n.id and n.version > 0
        and not exists (select 1 from new_leases l where l.account = t.account and l.session = t.session)
    )
    select count(*) as passed from gate`;
}

export async function listAccounts(
  queries: Queries,
  { limits, endsAfterMs }: { readonly limits?: readonly string[]; readonly endsAfterMs?: number },
): Promise<AccountState[]> {
  const isOfLimits = limits === undefined ? sql`true` : sql`a.limit_uid = any(${texts(limits)})`;
  const lasts =
    endsAfterMs === undefined ? sql`true` : sql`(a.ends_at_ms is null or a.ends_at_ms > ${Math.trunc(endsAfterMs)})`;
  return accountsWhere(queries, sql`${isOfLimits} and ${lasts}`);
}

export function accountsOfSessions(queries: Queries, sessions: readonly string[]): Promise<AccountState[]> {
  const holders = sessions.flatMap((session) => [session, unheardOf(session)]);
  return accountsWhere(queries, sql`a.id in (select account from limit_leases where session = any(${texts(holders)}))`);
}

export async function silentSessions(queries: Queries, query: SilentQuery): Promise<SessionState[]> {
  const nowMs = Math.trunc(query.nowMs);
  const hearingSinceMs = Math.trunc(query.hearingSinceMs);
  const rules = JSON.stringify(query.rules);
  const silentMs = sql`${nowMs}::int8 - greatest(s.heard_at_ms, ${hearingSinceMs}::int8)`;
  const rows = await rowsOf<{ row: string }>(
    queries,
    sql`select ${sessionColumns}::text as row from limit_sessions s
      where s.state = 'Open' and ${silentMs} >= ${query.lifeMs}
        or s.state in ('Dead', 'Fenced')
          and exists (select 1 from limit_leases l where l.session = s.session and l.state = 'Open')
        or s.state = 'Closed' and ${silentMs} >= ${query.closedMs} and exists (
          select 1 from limit_leases l where l.session = s.session and l.granted - l.returned > l.settled)
        or ${silentMs} >= ${Math.min(...query.rules.map((rule) => rule.silentMs), query.lifeMs)} and exists (
          select 1 from limit_leases l join limit_accounts a on a.id = l.account
            join jsonb_to_recordset(${rules}::text::jsonb) as r("rule" text, "silentMs" int8) on r."rule" = a.rule
          where l.session in (s.session, s.session || ${unheardOf("")})
            and l.granted - l.returned > l.settled and ${silentMs} >= r."silentMs")
      order by s.heard_at_ms, s.session limit ${query.limit}`,
  );
  return rows.map(({ row }) => sessionOf(JSON.parse(row)));
}

export async function unheardSessions(queries: Queries, epoch: string, limit: number): Promise<SessionState[]> {
  const rows = await rowsOf<{ row: string }>(
    queries,
    sql`select ${sessionColumns}::text as row from limit_sessions
      where state = 'Open' and epoch <> ${epoch} order by session limit ${limit}`,
  );
  return rows.map(({ row }) => sessionOf(JSON.parse(row)));
}

/**
 * An Open session still tells of a lease that it has something left of, and would know more than the record then; any other
 * has to tell all it holds first, and is believed.
 */
export async function forgetAccounts(queries: Queries, endedBeforeMs: number): Promise<number> {
  const gone = await rowsOf<{ id: string }>(
    queries,
    sql`delete from limit_accounts a where a.ends_at_ms < ${Math.trunc(endedBeforeMs)} and not exists (
        select 1 from limit_leases l join limit_sessions s on s.session = l.session
        where l.account = a.id and s.state = 'Open' and l.granted - l.returned > l.settled)
      returning a.id`,
  );
  await queries.execute(
    sql`delete from limit_sessions s where s.state = 'Closed' and s.heard_at_ms < ${Math.trunc(endedBeforeMs)}
      and not exists (select 1 from limit_leases l where l.session = s.session)`,
  );
  return gone.length;
}

async function accountsWhere(queries: Queries, condition: SQL): Promise<AccountState[]> {
  const rows = await rowsOf<{ row: string }>(
    queries,
    sql`select ${accountColumns}::text as row from limit_accounts a where ${condition} order by a.id`,
  );
  return rows.map(({ row }) => accountOf(JSON.parse(row)));
}
