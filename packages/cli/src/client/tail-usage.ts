/** The newest usage records, oldest first, and then those that come: looked for again and again, each told once. */

import type { UsageList, UsageRecord } from "@sluice/api";
import type { AdminClient } from "./admin-client.ts";
import { rfc3339 } from "./period.ts";

const lookEveryMs = 1_000;
/** A record comes when its call ends, and is listed by when it began: calls longer than this are not told. */
const overlapMs = 15 * 60_000;
const pageMax = 1_000;
const toldMax = 50_000;

export async function* tailUsage(
  client: AdminClient,
  how: { filter: Readonly<Record<string, string>>; lines: number; follow: boolean },
): AsyncGenerator<UsageRecord> {
  const told = new Set<string>();
  const begunMs = Date.now();
  const fresh = (list: UsageList) => list.items.toReversed().filter(({ id }) => !told.has(id));
  const read = (query: Record<string, string>) =>
    client.call<UsageList>("GET", `/admin/v1/usage?${new URLSearchParams({ ...how.filter, ...query })}`);

  for (const record of fresh(await read({ limit: String(how.lines) }))) {
    told.add(record.id);
    yield record;
  }
  if (!how.follow) return;
  // What lies in the overlap already and was not among the first lines is no news.
  for (const { id } of (
    await read({ limit: String(pageMax), since: rfc3339(begunMs - overlapMs), until: rfc3339(begunMs) })
  ).items)
    told.add(id);
  for (;;) {
    await new Promise((wake) => setTimeout(wake, lookEveryMs));
    const since = rfc3339(Math.max(Date.now() - overlapMs, begunMs - overlapMs));
    for (const record of fresh(await read({ limit: String(pageMax), since }))) {
      if (told.size >= toldMax) for (const id of told.values().take(toldMax / 2)) told.delete(id);
      told.add(record.id);
      yield record;
    }
  }
}
