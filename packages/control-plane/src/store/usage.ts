/**
 * Usage: what data planes report, recorded once. A batch goes from its text into the table in one statement, because in
 * `sluice up` the record shares its core with the traffic: no event becomes a JavaScript object on its way.
 */

import type { UsageEvent } from "@sluice/contract";
import { and, desc, eq, gte, sql } from "drizzle-orm";
import { type Queries, rowsOf } from "./database.ts";
import { usage, usageRejects, usageWatermarks } from "./schema.ts";
import type { UsageBatch, UsageQuery } from "./store.ts";
import { eventOf } from "./usage-row.ts";

export type UsageReject = { readonly seq: number; readonly reason: string };

/** Records what it can and sets the rest aside. Answers the watermark, and what was set aside. */
export async function recordUsage(
  queries: Queries,
  batch: UsageBatch,
  nowMs: number,
): Promise<{ watermark: number; rejects: UsageReject[] }> {
  const rejects: UsageReject[] = [];
  await insertOrHalve(queries, { batch, nowMs, rejects });
  return { watermark: await advanceWatermark(queries, batch.instance), rejects };
}

export async function usageWatermark(queries: Queries, instance: string): Promise<number> {
  const found = await queries.select().from(usageWatermarks).where(eq(usageWatermarks.instance, instance));
  return found[0]?.seq ?? 0;
}

export async function listUsage(queries: Queries, query: UsageQuery): Promise<UsageEvent[]> {
  const rows = await queries
    .select()
    .from(usage)
    .where(
      and(
        query.requestId === undefined ? undefined : eq(usage.requestId, query.requestId),
        query.sinceMs === undefined ? undefined : gte(usage.startedAtMs, query.sinceMs),
      ),
    )
    .orderBy(desc(usage.startedAtMs), desc(usage.instance), desc(usage.seq))
    .limit(query.limit);
  return rows.map(eventOf);
}

/** A batch that the database can't read is halved until the lines at fault stand alone; those are kept as they came. */
async function insertOrHalve(
  queries: Queries,
  input: { batch: UsageBatch; nowMs: number; rejects: UsageReject[] },
): Promise<void> {
  const { batch, nowMs, rejects } = input;
  if (batch.lines.length === 0) return;
  const fault = await insertLines(queries, batch);
  if (fault === undefined) return;
  if (batch.lines.length === 1) {
    const { instance, firstSeq: seq } = batch;
    // NUL can't be in a `text`; all else of the line is kept.
    const line = (batch.lines[0] ?? "").replaceAll("\0", "\u{fffd}");
    await queries
      .insert(usageRejects)
      .values({ instance, seq, line, reason: fault, rejectedAtMs: Math.trunc(nowMs) })
      .onConflictDoNothing();
    rejects.push({ seq, reason: fault });
    return;
  }
  const middle = batch.lines.length >> 1;
  const [head, tail] = [batch.lines.slice(0, middle), batch.lines.slice(middle)];
  await insertOrHalve(queries, { ...input, batch: { ...batch, lines: head } });
  await insertOrHalve(queries, { ...input, batch: { ...batch, lines: tail, firstSeq: batch.firstSeq + middle } });
}

/** Answers why the database can't read the lines; throws when it can't be asked. */
async function insertLines(queries: Queries, { instance, lines }: UsageBatch): Promise<string | undefined> {
  // Between commas an empty line is a fault of the array, alone it is an array without events.
  if (lines.length === 1 && lines[0]?.trim() === "") return "an empty line";
  // A line break can't be inside a JSON text of one line, so lines joined by commas are a JSON array.
  const array = `[${lines.join(",")}]`;
  try {
    // An event of another instance has no value for `instance`, and so is refused by the table.
    await queries.execute(sql`
      insert into usage (
        instance, seq, request_id, started_at_ms, duration_ms, first_byte_ms, outcome, status, code, gateway, protocol,
        operation, stream, key_name, namespace, team, service, user_name, metadata, model, route, target, provider,
        upstream_model, upstream_request_id, attempts, input_tokens, input_audio_tokens, cache_read_tokens,
        cache_write_5m_tokens, cache_write_1h_tokens, cache_write_other_tokens, output_tokens, output_reasoning_tokens,
        output_audio_tokens, request_bytes, response_bytes, cost_nano_usd, held_nano_usd, estimated, billing_reason, price,
        service_tier, claimed_user, run, charges, folded, input_image_tokens, output_image_tokens, web_searches, web_fetches)
      select case when e."instance" = ${instance} then e."instance" end,
        e."seq", e."requestId", e."startedAtMs", e."durationMs", e."firstByteMs", e."outcome", e."status", e."code",
        e."gateway", e."protocol", e."operation", e."stream", e."key", e."namespace", e."team", e."service", e."user",
        e."metadata", e."model", e."route", e."target", e."provider", e."upstreamModel", e."upstreamRequestId",
        e."attempts", t."input", t."inputAudio", t."cacheRead", t."cacheWrite5m", t."cacheWrite1h",
        t."cacheWriteOther", t."output", t."outputReasoning", t."outputAudio", e."requestBytes", e."responseBytes",
        e."costNanoUsd", e."heldNanoUsd", e."estimated", e."billingReason", e."price", e."serviceTier", e."claimedUser",
        e."run", e."charges", e."folded", t."inputImage", t."outputImage", t."webSearches", t."webFetches"
      from jsonb_to_recordset(${array}::text::jsonb) as e(
        "instance" text, "seq" int8, "requestId" text, "startedAtMs" int8, "durationMs" float8, "firstByteMs" float8,
        "outcome" text, "status" int4, "code" text, "gateway" text, "protocol" text, "operation" text, "stream" boolean,
        "key" text, "namespace" text, "team" text, "service" text, "user" text, "metadata" jsonb, "model" text,
        "route" text, "target" text, "provider" text, "upstreamModel" text, "upstreamRequestId" text, "attempts" int4,
        "tokens" jsonb, "requestBytes" int8, "responseBytes" int8, "costNanoUsd" int8, "heldNanoUsd" int8,
        "estimated" boolean, "billingReason" text, "price" text, "serviceTier" text, "claimedUser" text, "run" text,
        "charges" jsonb, "folded" int8)
      left join lateral jsonb_to_record(e."tokens") as t(
        "input" int8, "inputAudio" int8, "cacheRead" int8, "cacheWrite5m" int8, "cacheWrite1h" int8,
        "cacheWriteOther" int8, "output" int8, "outputReasoning" int8, "outputAudio" int8, "inputImage" int8,
        "outputImage" int8, "webSearches" int8, "webFetches" int8) on e."tokens" is not null
      on conflict do nothing`);
    return undefined;
  } catch (error) {
    const reason = dataFault(error);
    if (reason === undefined) throw error;
    return reason;
  }
}

/** SQLSTATE class 22 (data exception) and 23 (integrity violation) are the lines' fault; all else is the server's. */
function dataFault(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") {
      return /^2[23]/.test(cause.code) ? cause.message : undefined;
    }
  }
  return undefined;
}

/** The watermark steps over what was set aside: it can never come better. */
async function advanceWatermark(queries: Queries, instance: string): Promise<number> {
  const before = await usageWatermark(queries, instance);
  // Numbers that follow without a gap are those that equal the old watermark plus their place after it.
  const [after] = await rowsOf<{ seq: bigint }>(
    queries,
    sql`with present as (
        select seq from usage where instance = ${instance} and seq > ${before}
        union
        select seq from usage_rejects where instance = ${instance} and seq > ${before}
      ), counted as (select seq, row_number() over (order by seq) as place from present),
      moved as (select max(seq) as seq from counted where seq = ${before} + place)
      insert into usage_watermarks (instance, seq) select ${instance}, seq from moved where seq is not null
      on conflict (instance) do update set seq = greatest(usage_watermarks.seq, excluded.seq)
      returning seq`,
  );
  return after === undefined ? before : Number(after.seq);
}
