/** ReportStore in SQL. Sums are made by the database, in integers, over records and their corrections together. */

import { adjust } from "@sluice/limits";
import { and, asc, desc, eq, gte, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { Act } from "../acts/act.ts";
import type { CorrectedUsage, Correction } from "../reports/correction.ts";
import { type Queries, rowsOf } from "./database.ts";
import { accountColumns, accountOf } from "./lease-rows.ts";
import type { CorrectedUsageQuery, SpendGroup } from "./report-store.ts";
import { acts, usage, usageCorrections } from "./schema.ts";
import { dimensionOf, exchanges, inputTokens, outputTokens, texts } from "./usage-dimensions.ts";
import { eventOf } from "./usage-row.ts";

export async function spend(
  queries: Queries,
  { by, sinceMs, untilMs }: { by: readonly string[]; sinceMs: number; untilMs: number },
): Promise<SpendGroup[]> {
  const values = by.map((name, place) => sql`${dimensionOf(name)} as ${sql.raw(`v${place}`)}`);
  const places = sql.raw(by.map((_, place) => `, v${place}`).join(""));
  const rows = await rowsOf<Record<string, string | null>>(
    queries,
    sql`with records as (
        select ${exchanges} as calls, ${inputTokens} as input, ${outputTokens} as output, u.cost_nano_usd as cost,
          u.held_nano_usd as held, u.attempts, u.estimated, c.cost as later_cost, c.held as later_held, c.price
          ${values.length === 0 ? sql`` : sql`, ${sql.join(values, sql`, `)}`}
        from usage u left join (${correctionSums(sinceMs, untilMs)}) c on c.instance = u.instance and c.seq = u.seq
        where ${within(sinceMs, untilMs)}
      )
      select sum(calls)::text as calls, sum(input)::text as input, sum(output)::text as output,
        (coalesce(sum(cost), 0) + coalesce(sum(later_cost), 0))::text as cost,
        (coalesce(sum(held), 0) + coalesce(sum(later_held), 0))::text as held,
        coalesce(sum(calls) filter (where attempts > 0 and cost is null and price is null), 0)::text as unpriced,
        coalesce(sum(calls) filter (where estimated), 0)::text as estimated
        ${places}
      from records ${by.length === 0 ? sql`having count(*) > 0` : sql`group by ${sql.raw(by.map((_, place) => `v${place}`).join(", "))}`}`,
  );
  return rows.map((row) => ({
    values: by.map((_, place) => row[`v${place}`] ?? null),
    ...{ calls: sumOf(row.calls), inputTokens: sumOf(row.input), outputTokens: sumOf(row.output) },
    ...{ costNanoUsd: sumOf(row.cost), heldNanoUsd: sumOf(row.held) },
    ...{ unpricedCalls: sumOf(row.unpriced), estimatedCalls: sumOf(row.estimated) },
  }));
}

/** Of the corrections of each record in the time. */
export function correctionSums(sinceMs: number, untilMs: number): SQL {
  return sql`select c.instance, c.seq, sum(c.delta_cost_nano_usd) as cost, sum(c.delta_held_nano_usd) as held,
      max(c.price) as price
    from usage_corrections c join usage u on u.instance = c.instance and u.seq = c.seq
    where ${within(sinceMs, untilMs)} group by c.instance, c.seq`;
}

export function within(sinceMs: number, untilMs: number): SQL {
  return sql`u.started_at_ms >= ${Math.trunc(sinceMs)} and u.started_at_ms < ${Math.trunc(untilMs)}`;
}

function sumOf(text: string | null | undefined): bigint {
  return BigInt(text ?? 0);
}

/** Pages are cut by (time, instance, number), which never move: no record is told twice or left out, whatever is added. */
export async function listCorrectedUsage(
  queries: Queries,
  query: CorrectedUsageQuery,
): Promise<{ items: CorrectedUsage[]; cursor: string | undefined }> {
  const { requestId, key, team, service, provider, sinceMs, untilMs, limit } = query;
  const found = await queries
    .select()
    .from(usage)
    .where(
      and(
        requestId === undefined ? undefined : eq(usage.requestId, requestId),
        key === undefined ? undefined : eq(usage.key, key),
        team === undefined ? undefined : eq(usage.team, team),
        service === undefined ? undefined : eq(usage.service, service),
        provider === undefined ? undefined : eq(usage.provider, provider),
        sinceMs === undefined ? undefined : gte(usage.startedAtMs, Math.trunc(sinceMs)),
        untilMs === undefined ? undefined : lt(usage.startedAtMs, Math.trunc(untilMs)),
        query.cursor === undefined ? undefined : beyond(query.cursor),
      ),
    )
    .orderBy(desc(usage.startedAtMs), desc(usage.instance), desc(usage.seq))
    // One more tells whether there is another page.
    .limit(limit + 1);
  const page = found.slice(0, limit);
  const corrections = await correctionsOf(queries, page);
  const items = page.map((row) => ({
    event: eventOf(row),
    corrections: corrections.get(recordKey(row)) ?? [],
  }));
  const last = page.at(-1);
  return { items, cursor: found.length > limit && last !== undefined ? cursorAt(last) : undefined };
}

function cursorAt({ startedAtMs, instance, seq }: { startedAtMs: number; instance: string; seq: number }): string {
  return Buffer.from(JSON.stringify([startedAtMs, instance, seq])).toString("base64url");
}

function beyond(cursor: string): SQL {
  const [startedAtMs, instance, seq] = readCursor(cursor);
  return sql`(${usage.startedAtMs}, ${usage.instance}, ${usage.seq}) < (${startedAtMs}, ${instance}, ${seq})`;
}

/** A cursor that is none is as one from before all records: an empty page. */
function readCursor(cursor: string): [number, string, number] {
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Array.isArray(read) && Number.isSafeInteger(read[0]) && Number.isSafeInteger(read[2]))
      return [read[0], String(read[1]).replaceAll("\0", ""), read[2]];
  } catch {
    // Not JSON.
  }
  return [Number.MIN_SAFE_INTEGER, "", 0];
}

async function correctionsOf(
  queries: Queries,
  records: readonly { instance: string; seq: number }[],
): Promise<Map<string, Correction[]>> {
  const found = new Map<string, Correction[]>();
  if (records.length === 0) return found;
  const rows = await queries
    .select()
    .from(usageCorrections)
    .where(
      sql`(instance, seq) in (select r."instance", r."seq" from jsonb_to_recordset(
        ${JSON.stringify(records.map(({ instance, seq }) => ({ instance, seq })))}::text::jsonb) as r("instance" text, "seq" int8))`,
    )
    .orderBy(asc(usageCorrections.atMs), asc(usageCorrections.id));
  for (const row of rows) found.set(recordKey(row), [...(found.get(recordKey(row)) ?? []), row]);
  return found;
}

function recordKey({ instance, seq }: { instance: string; seq: number }): string {
  return `${instance}/${seq}`;
}

export function recordCorrections(
  queries: Queries,
  corrections: readonly Correction[],
  deltasOf: (kept: readonly string[]) => ReadonlyMap<string, bigint>,
): Promise<{ kept: string[]; moved: string[] }> {
  const [first] = corrections;
  if (first === undefined) return Promise.resolve({ kept: [], moved: [] });
  return queries.transaction(async (transaction) => {
    const rows = await transaction
      .insert(usageCorrections)
      .values(corrections.map((one) => ({ ...one, atMs: Math.trunc(one.atMs) })))
      .onConflictDoNothing()
      .returning({ id: usageCorrections.id });
    const kept = rows.map(({ id }) => id);
    return { kept, moved: await moveBalances(transaction, deltasOf(kept), first.atMs) };
  });
}

/** Under the accounts' locks: whoever answers asks meanwhile finds their versions changed. */
async function moveBalances(queries: Queries, deltas: ReadonlyMap<string, bigint>, nowMs: number): Promise<string[]> {
  if (deltas.size === 0) return [];
  const chosen = sql`id = any(${texts([...deltas.keys()])})`;
  await queries.execute(sql`select 1 from limit_accounts where ${chosen} order by id for update`);
  const rows = await rowsOf<{ row: string }>(
    queries,
    sql`select ${accountColumns}::text as row from limit_accounts a
      where ${chosen} and (a.ends_at_ms is null or a.ends_at_ms > ${Math.trunc(nowMs)})`,
  );
  const moved = rows.map(({ row }) => {
    const account = accountOf(JSON.parse(row));
    return { id: account.id, carried: String(adjust(account, deltas.get(account.id) ?? 0n).carried) };
  });
  await queries.execute(
    sql`update limit_accounts t set version = t.version + 1, carried = n.carried
      from jsonb_to_recordset(${JSON.stringify(moved)}::text::jsonb) as n(id text, carried int8) where t.id = n.id`,
  );
  return moved.map(({ id }) => id);
}

/** Undone ones are told for a while, for those who look what happened. */
const actsMax = 10_000;

export async function listActs(queries: Queries): Promise<Act[]> {
  const rows = await queries.select().from(acts).orderBy(desc(acts.createdAtMs), desc(acts.id)).limit(actsMax);
  return rows.map(({ undoneReason: _, ...act }) => act as Act);
}

export async function putAct(queries: Queries, act: Act): Promise<void> {
  await queries
    .insert(acts)
    .values({ ...act, undoneReason: null })
    .onConflictDoNothing();
}

export async function undoAct(
  queries: Queries,
  id: string,
  { by, reason, atMs }: { by: string; reason: string; atMs: number },
): Promise<boolean> {
  const undone = await queries
    .update(acts)
    .set({ undoneAtMs: Math.trunc(atMs), undoneBy: by, undoneReason: reason })
    .where(and(eq(acts.id, id), isNull(acts.undoneAtMs)))
    .returning({ id: acts.id });
  return undone.length > 0;
}
