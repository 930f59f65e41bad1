/** AlertStore in SQL. One statement a method, so that none needs a transaction of its own. */

import { and, desc, eq, gte, isNull, lt, min, or, sql } from "drizzle-orm";
import type { Alert, AlertStore, ResourceEvent } from "./alert-store.ts";
import { type Queries, rowsOf } from "./database.ts";
import { alerts, events } from "./schema.ts";

export function alertStore(
  queries: Queries,
  doing: <Answer>(what: string, work: PromiseLike<Answer>) => Promise<Answer>,
): AlertStore {
  return {
    fireAlerts: (fired) => doing("keep crossed thresholds", fireAlerts(queries, fired)),
    claimAlerts: (how) => doing("take alerts to be sent", claimAlerts(queries, how)),
    async settleAlert(id, outcome) {
      const set =
        "deliveredAtMs" in outcome
          ? { deliveredAtMs: Math.trunc(outcome.deliveredAtMs), nextAtMs: null, failure: null }
          : { failure: outcome.failure, nextAtMs: outcome.nextAtMs === null ? null : Math.trunc(outcome.nextAtMs) };
      await doing("note what became of an alert", queries.update(alerts).set(set).where(eq(alerts.id, id)));
    },
    async nextAlertAtMs() {
      const asking = queries.select({ at: min(alerts.nextAtMs) }).from(alerts);
      const [row] = await doing("look for alerts to be sent", asking);
      return row?.at ?? undefined;
    },
    async recordEvents(list) {
      if (list.length === 0) return;
      const rows = list.map((event) => ({ ...event, atMs: Math.trunc(event.atMs) }));
      await doing("record events", queries.insert(events).values(rows).onConflictDoNothing());
    },
    listEvents: ({ limit, kind, namespace, name, sinceMs }) =>
      doing(
        "list events",
        queries
          .select()
          .from(events)
          .where(
            and(
              kind === undefined ? undefined : eq(events.kind, kind),
              namespace === undefined ? undefined : eq(events.namespace, namespace),
              name === undefined ? undefined : eq(events.name, name),
              sinceMs === undefined ? undefined : gte(events.atMs, sinceMs),
            ),
          )
          .orderBy(desc(events.atMs), desc(events.id))
          .limit(limit),
      ),
    async forgetEvents(beforeMs, eventsMax) {
      const before = Math.trunc(beforeMs);
      const newest = sql`select id from events order by at_ms desc, id desc offset ${eventsMax}`;
      const old = queries.delete(events).where(or(lt(events.atMs, before), sql`id in (${newest})`));
      await doing("forget old events", old);
      const over = queries.delete(alerts).where(and(lt(alerts.endsAtMs, before), isNull(alerts.nextAtMs)));
      await doing("forget old alerts", over);
    },
  };
}

async function fireAlerts(
  queries: Queries,
  fired: readonly { readonly alert: Alert; readonly event: ResourceEvent }[],
): Promise<string[]> {
  if (fired.length === 0) return [];
  const array = JSON.stringify(
    fired.map(({ alert, event }) => ({
      ...alert,
      firedAtMs: Math.trunc(alert.firedAtMs),
      nextAtMs: alert.receiver === null ? null : Math.trunc(alert.firedAtMs),
      ...{ kind: event.kind, namespace: event.namespace, name: event.name, uid: event.uid },
      ...{ type: event.type, reason: event.reason, message: event.message },
    })),
  );
  const rows = await rowsOf<{ id: string }>(
    queries,
    sql`with given as (
        select * from jsonb_to_recordset(${array}::text::jsonb) as g(
          "id" text, "limitUid" text, "account" text, "atPercent" int4, "body" text, "receiver" text, "firedAtMs" int8,
          "endsAtMs" int8, "nextAtMs" int8, "kind" text, "namespace" text, "name" text, "uid" text, "type" text, "reason" text,
          "message" text)
      ), kept as (
        insert into alerts (id, limit_uid, account, at_percent, body, receiver, fired_at_ms, ends_at_ms, attempts,
          next_at_ms)
        select g."id", g."limitUid", g."account", g."atPercent", g."body", g."receiver", g."firedAtMs",
          g."endsAtMs", 0, g."nextAtMs"
        from given g order by g."id"
        on conflict do nothing returning id
      ), told as (
        insert into events (id, kind, namespace, name, uid, type, reason, message, at_ms)
        select g."id", g."kind", g."namespace", g."name", g."uid", g."type", g."reason", g."message", g."firedAtMs"
        from given g join kept k on k.id = g."id"
        on conflict do nothing
      )
      select id from kept`,
  );
  return rows.map(({ id }) => id);
}

async function claimAlerts(queries: Queries, how: { nowMs: number; leaseMs: number; limit: number }) {
  const nowMs = Math.trunc(how.nowMs);
  const untilMs = nowMs + Math.trunc(how.leaseMs);
  const rows = await rowsOf<AlertRow>(
    queries,
    sql`update alerts set next_at_ms = ${untilMs}, attempts = attempts + 1
      where id in (
        select a.id from alerts a
        where a.next_at_ms <= ${nowMs} and not exists (
          select 1 from alerts b where b.account = a.account and b.receiver = a.receiver
            and b.at_percent < a.at_percent and b.next_at_ms is not null)
        order by a.next_at_ms, a.at_percent limit ${how.limit} for update skip locked)
      returning *`,
  );
  return rows.map((row) => ({
    id: row.id,
    limitUid: row.limit_uid,
    account: row.account,
    atPercent: row.at_percent,
    body: row.body,
    receiver: row.receiver,
    firedAtMs: Number(row.fired_at_ms),
    endsAtMs: row.ends_at_ms === null ? null : Number(row.ends_at_ms),
    attempts: row.attempts,
  }));
}

type AlertRow = {
  readonly id: string;
  readonly limit_uid: string;
  readonly account: string;
  readonly at_percent: number;
  readonly body: string;
  readonly receiver: string | null;
  readonly fired_at_ms: bigint;
  readonly ends_at_ms: bigint | null;
  readonly attempts: number;
};
