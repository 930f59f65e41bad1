/** Reports and corrections over the admin API, out of a real record. */

import type { UsageEvent } from "@sluice/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AdminApi, startAdminApi } from "../../test/admin-api.ts";
import { recordEvents, usageEvent } from "../../test/usage-lines.ts";

let api: AdminApi;
const day = { since: "2026-11-20T00:00:00Z", until: "2026-11-21T00:00:00Z" };
const calls: UsageEvent[] = [];

beforeAll(async () => {
  api = await startAdminApi();
  const services = ["classify", "rank", undefined, "null", "a,b"];
  for (let seq = 1; seq <= 257; seq++) {
    const service = services[seq % services.length];
    const tags = Object.fromEntries(
      ["env", "run", "job", "x", "y"].slice(0, seq % 6).map((name) => [name, `${name}-${seq % 3}`]),
    );
    calls.push(
      usageEvent(seq, {
        ...{
          team: seq % 2 === 0 ? "search" : "ads",
          model: `m-${seq % 4}`,
          key: "ai/app",
          costNanoUsd: seq * 1_000_003,
        },
        ...(service !== undefined && { service }),
        ...(seq % 6 > 0 && { metadata: tags }),
        ...(seq % 50 === 0 && { heldNanoUsd: 7, estimated: true, billingReason: "Cut" }),
      }),
    );
  }
  // The day before, and one with neither cost nor tokens.
  calls.push(usageEvent(258, { startedAtMs: Date.UTC(2026, 10, 19), service: "classify", costNanoUsd: 5 }));
  const {
    costNanoUsd: _cost,
    tokens: _tokens,
    ...unpriced
  } = usageEvent(259, { service: "rank", billingReason: "Unpriced" });
  calls.push(unpriced);
  await recordEvents(api.plane.store, calls);
});
afterAll(() => api[Symbol.asyncDispose]());

const inDay = () => calls.filter(({ startedAtMs }) => startedAtMs >= Date.UTC(2026, 10, 20));
const ledger = () => inDay().reduce((sum, { costNanoUsd = 0 }) => sum + BigInt(costNanoUsd), 0n);
const nano = (usd: unknown) =>
  BigInt(Math.sign(Number(usd))) *
  BigInt(String(usd).replace("-", "").replace(".", "") + "0".repeat(9 - (String(usd).split(".")[1]?.length ?? 0)));

const memberOf = (event: UsageEvent, dimension: string) =>
  dimension.startsWith("metadata/")
    ? event.metadata?.[dimension.slice("metadata/".length)]
    : (event as unknown as Record<string, string | undefined>)[dimension];

test.for([
  [""],
  ["service"],
  ["team"],
  ["team,model"],
  ["key"],
  ["user"],
  ["provider,route"],
  ["metadata/env"],
  ["metadata/env,metadata/y"],
  ["service,metadata/run,model"],
] as const)("spend by %j adds up to the ledger, however many tags a call has", async ([by]) => {
  const { status, body } = await api.call("GET", `/admin/v1/spend?${new URLSearchParams({ by, ...day })}`);
  expect(status).toBe(200);
  const dimensions = by.split(",").filter((word) => word !== "");
  const groups = new Set(
    // Who spent the day before has a row as well.
    calls.map((event) => JSON.stringify(dimensions.map((each) => memberOf(event, each) ?? null))),
  );
  expect(body.rows).toHaveLength(groups.size);
  expect(nano(body.total?.costUsd)).toBe(ledger());
  expect((body.rows as unknown as { costUsd: string }[]).reduce((sum, row) => sum + nano(row.costUsd), 0n)).toBe(
    ledger(),
  );
  expect(body.total).toMatchObject({
    calls: "258",
    unpricedCalls: "1",
    estimatedCalls: "5",
    heldUsd: "0.000000035",
    previousCostUsd: "0.000000005",
  });
});

test("calls without a value are a row of their own, apart from those whose value is a word for none", async () => {
  const { body } = await api.call("GET", `/admin/v1/spend?${new URLSearchParams({ by: "service", ...day })}`);
  const groups = (body.rows as unknown as { group: { service: string | null } }[]).map(({ group }) => group.service);
  expect(groups.toSorted()).toEqual(["a,b", "classify", null, "null", "rank"].toSorted());
});

test.for([
  ["by=teem&since=2026-11-20T00:00:00Z", /by: "teem" must be one of team, service/],
  ["by=team", /since must be set/],
  ["by=team&since=yesterday", /since must be a time such as/],
  ["by=team&since=2026-11-20T00:00:00Z&until=2026-11-20T00:00:00Z", /until must be after since/],
  ["by=team,service,user,key,model&since=2026-11-20T00:00:00Z", /at most 4/],
] as const)("spend?%s is refused in words", async ([query, message]) => {
  expect(await api.call("GET", `/admin/v1/spend?${query}`)).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(message) },
  });
});

test.for([1, 7, 100, 1_000])("pages of %i records tell every record once, and add up to the ledger", async (limit) => {
  const seen: Record<string, unknown>[] = [];
  let cursor = "";
  do {
    const { body } = await api.call(
      "GET",
      `/admin/v1/usage?${new URLSearchParams({ limit: String(limit), ...day, ...(cursor && { cursor }) })}`,
    );
    seen.push(...(body.items as unknown as Record<string, unknown>[]));
    cursor = (body.cursor as unknown as string | undefined) ?? "";
  } while (cursor !== "" && (limit > 1 || seen.length < 20));
  if (limit === 1) return expect(seen).toHaveLength(20);
  expect(new Set(seen.map(({ id }) => id)).size).toBe(258);
  expect(seen.reduce((sum, { costUsd = "0.00" }) => sum + nano(costUsd), 0n)).toBe(ledger());
});

test("usage is filtered by key, and a record tells no charge of accounts", async () => {
  const { body } = await api.call("GET", "/admin/v1/usage?key=ai/app&limit=1");
  expect(body.items[0]).toMatchObject({
    id: expect.stringMatching(/^0123456789abcdef.*\/257$/),
    costUsd: "0.257000771",
  });
  expect(body.items[0]).not.toHaveProperty("charges");
  expect((await api.call("GET", "/admin/v1/usage?key=ai/none")).body.items).toEqual([]);
});
