/** What the ledger knows that accounts must agree with, in SQL; and the books of limits, which say since when they have to. */

import type { LimitSelector } from "@sluice/contract";
import { asc, sql } from "drizzle-orm";
import { type Queries, rowsOf } from "./database.ts";
import type { Durability, LedgerSum, LimitBook } from "./lease-store.ts";
import { correctionSums, within } from "./reports.ts";
import { limitBooks } from "./schema.ts";
import { exchanges, inputTokens, limitValueOf, outputTokens, selected, texts } from "./usage-dimensions.ts";

export type LedgerQuestion = {
  readonly charged?: string;
  readonly selector: LimitSelector;
  readonly namespace?: string;
  readonly per: readonly string[];
  readonly sinceMs: number;
  readonly untilMs: number;
};

export async function ledgerSums(queries: Queries, question: LedgerQuestion): Promise<LedgerSum[]> {
  const { selector, namespace, per, sinceMs, untilMs, charged } = question;
  const recorded = sql`${inputTokens} + ${outputTokens}`;
  const tokens = charged === undefined ? recorded : sql`greatest(${recorded}, ${chargedTo(charged)})`;
  const values = per.map((name, place) => sql`, ${limitValueOf(name)} as ${sql.raw(`v${place}`)}`);
  const names = per.map((_, place) => `v${place}`).join(", ");
  const rows = await rowsOf<Record<string, string>>(
    queries,
    sql`with records as (
        select coalesce(u.cost_nano_usd, 0) + coalesce(u.held_nano_usd, 0) + coalesce(c.cost, 0) + coalesce(c.held, 0)
            as nano_usd,
          ${tokens} as tokens, ${exchanges} as requests ${sql.join(values, sql``)}
        from usage u left join (${correctionSums(sinceMs, untilMs)}) c on c.instance = u.instance and c.seq = u.seq
        where u.attempts > 0 and ${within(sinceMs, untilMs)} and ${selected(selector, namespace)}
      )
      select sum(nano_usd)::text as nano_usd, sum(tokens)::text as tokens, sum(requests)::text as requests
        ${sql.raw(per.length === 0 ? "" : `, ${names}`)}
      from records ${sql.raw(per.length === 0 ? "having count(*) > 0" : `group by ${names}`)}`,
  );
  return rows.map((row) => ({
    values: per.map((_, place) => row[`v${place}`] ?? ""),
    ...{ nanoUsd: BigInt(row.nano_usd ?? 0), tokens: BigInt(row.tokens ?? 0), requests: BigInt(row.requests ?? 0) },
  }));
}

/** The most that one account of a rule was charged by a record `u`; ids are `<window>@<rule>` and `<window>@<rule>/<values>`. */
function chargedTo(rule: string) {
  const family = sql`split_part(c.charge ->> 0, '@', 2)`;
  return sql`coalesce((
      select max((c.charge ->> 1)::numeric) from jsonb_array_elements(u.charges) as c(charge)
      where jsonb_typeof(c.charge -> 1) = 'number' and (${family} = ${rule} or starts_with(${family}, ${`${rule}/`}))
    ), 0)`;
}

/** An entry that is no pair of a text and a number is left out: what it meant can't be known. */
export async function ledgerCharges(
  queries: Queries,
  accounts: readonly string[],
  sinceMs: number,
): Promise<Map<string, bigint>> {
  if (accounts.length === 0) return new Map();
  const rows = await rowsOf<{ account: string; charged: string }>(
    queries,
    sql`select c.charge ->> 0 as account, sum((c.charge ->> 1)::numeric)::text as charged
      from usage u, jsonb_array_elements(u.charges) as c(charge)
      where u.started_at_ms >= ${Math.trunc(sinceMs)} and jsonb_typeof(c.charge -> 1) = 'number'
        and c.charge ->> 0 = any(${texts(accounts)})
      group by 1`,
  );
  return new Map(rows.map(({ account, charged }) => [account, BigInt(charged)]));
}

export function listLimitBooks(queries: Queries): Promise<LimitBook[]> {
  return queries.select().from(limitBooks).orderBy(asc(limitBooks.uid));
}

export async function writeLimitBooks(queries: Queries, books: readonly LimitBook[]): Promise<string[]> {
  if (books.length === 0) return [];
  const rows = await rowsOf<{ uid: string }>(
    queries,
    sql`insert into limit_books as t (uid, version, body)
      select n.uid, n.version + 1, n.body
      from jsonb_to_recordset(${JSON.stringify(books)}::text::jsonb) as n(uid text, version int8, body text)
      where n.version = 0 or exists (select 1 from limit_books b where b.uid = n.uid) order by n.uid
      on conflict (uid) do update set version = excluded.version, body = excluded.body
      where t.version = excluded.version - 1 and t.version > 0
      returning t.uid`,
  );
  return rows.map(({ uid }) => uid);
}

export async function durability(queries: Queries): Promise<Durability> {
  const [found] = await rowsOf<{ fsync: string; commit: string; names: string; standbys: string }>(
    queries,
    sql`select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
      current_setting('synchronous_standby_names') as names, (select count(*)::text from pg_stat_replication) as standbys`,
  );
  const reasons: string[] = [];
  if (found?.fsync !== "on") reasons.push("fsync is off: a crash of the machine may lose acknowledged commits");
  if (found?.commit === "off") reasons.push("synchronous_commit is off: a crash of the database may lose commits");
  const isWaitedFor = found?.names !== "" && found?.commit !== "local" && found?.commit !== "off";
  if (Number(found?.standbys ?? 0) > 0 && !isWaitedFor)
    reasons.push("replication is asynchronous: a fail-over may lose commits");
  return reasons.length === 0 ? { kind: "Durable" } : { kind: "Reduced", reasons };
}
