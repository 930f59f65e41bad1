/** `/admin/v1/spend`, `/usage` and `/events`: what calls cost, single calls, and what happened to resources. */

import { type SpendReport, spendDimension, type UsageList } from "@sluice/api";
import { spendReport } from "../reports/spend-report.ts";
import { usageRecord } from "../reports/usage-record.ts";
import type { ResourceEvent } from "../store/alert-store.ts";
import { rfc3339 } from "../store/pending-status.ts";
import type { ReportStore } from "../store/report-store.ts";
import type { Store } from "../store/store.ts";
import { StatusError } from "./status-error.ts";

const dimensionsMax = 4;
const limitMax = 1_000;
/** Reports go over the whole time: longer than this one is asked for by mistake. */
const periodMsMax = 10 * 366 * 86_400_000;

/** `?by=team,metadata/env&since=…&until=…`. */
export function spend(store: ReportStore, query: URLSearchParams, nowMs: number): Promise<SpendReport> {
  const words = (query.get("by") ?? "").split(",").filter((word) => word !== "");
  const by = [...new Set(words)].map((word) => {
    const known = spendDimension.safeParse(word);
    if (known.success) return known.data;
    throw new StatusError(
      "BadRequest",
      `by: "${word.slice(0, 80)}" ${known.error.issues[0]?.message ?? "is not known"}`,
    );
  });
  if (by.length > dimensionsMax) throw new StatusError("BadRequest", `by takes at most ${dimensionsMax} dimensions`);
  const sinceMs = timeOf(query, "since");
  if (sinceMs === undefined)
    throw new StatusError("BadRequest", "since must be set, to a time such as 2026-01-31T00:00:00Z");
  const untilMs = timeOf(query, "until") ?? Math.trunc(nowMs) + 1;
  if (untilMs <= sinceMs) throw new StatusError("BadRequest", "until must be after since");
  if (untilMs - sinceMs > periodMsMax)
    throw new StatusError("BadRequest", "since and until are more than ten years apart");
  return spendReport(store, { by, sinceMs, untilMs });
}

const usageFilters = ["requestId", "key", "team", "service", "provider"] as const;

/** `?limit=100&cursor=…&since=…&until=…`, and `requestId`, `key`, `team`, `service`, `provider`. Newest first. */
export async function usage(store: ReportStore, query: URLSearchParams): Promise<UsageList> {
  const [sinceMs, untilMs, cursor] = [timeOf(query, "since"), timeOf(query, "until"), query.get("cursor")];
  const filters = usageFilters.flatMap((name) => {
    const value = query.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const page = await store.listCorrectedUsage({
    limit: limitOf(query),
    ...Object.fromEntries(filters),
    ...(sinceMs !== undefined && { sinceMs }),
    ...(untilMs !== undefined && { untilMs }),
    ...(cursor !== null && cursor !== "" && { cursor }),
  });
  return { items: page.items.map(usageRecord), ...(page.cursor !== undefined && { cursor: page.cursor }) };
}

/** `?limit=100&kind=Budget&namespace=…&name=…&since=…`. Newest first. */
export async function events(store: Store, query: URLSearchParams): Promise<{ items: EventView[] }> {
  const sinceMs = timeOf(query, "since");
  const [kind, namespace, name] = [query.get("kind"), query.get("namespace"), query.get("name")];
  const found = await store.listEvents({
    limit: limitOf(query),
    ...(kind !== null && { kind }),
    ...(namespace !== null && { namespace }),
    ...(name !== null && { name }),
    ...(sinceMs !== undefined && { sinceMs }),
  });
  return { items: found.map(({ atMs, ...event }) => ({ ...event, at: rfc3339(atMs) })) };
}

export type EventView = Omit<ResourceEvent, "atMs"> & { readonly at: string };

function limitOf(query: URLSearchParams): number {
  const limit = Number(query.get("limit") ?? 100);
  if (Number.isInteger(limit) && limit >= 1 && limit <= limitMax) return limit;
  throw new StatusError("BadRequest", `limit must be a whole number from 1 to ${limitMax}`);
}

function timeOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const atMs = Date.parse(text);
  if (!Number.isNaN(atMs)) return atMs;
  throw new StatusError("BadRequest", `${name} must be a time such as 2026-01-31T00:00:00Z`);
}
