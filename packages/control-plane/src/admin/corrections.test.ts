/** Reprice and settle over the admin API: records, reports and balances after a price mistake, out of a real record. */

import { accountId } from "@sluice/contract";
import { spentOf } from "@sluice/limits";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type AdminApi, startAdminApi } from "../../test/admin-api.ts";
import { recordEvents, tokens, usageEvent } from "../../test/usage-lines.ts";

let api: AdminApi;
let uid: string;
const base = "/apis/sluice.dev/v1alpha1/namespaces/default";
const nowMs = Date.now();
const since = new Date(nowMs - 3_600_000).toISOString();
/** Of the window of now, of one that is over, and of a limit that counts tokens. */
const account = () => accountId({ limit: uid, rule: "usd", values: ["classify"] }, 1);
const past = () => accountId({ limit: uid, rule: "usd", values: ["classify"] }, 0);
const other = () => accountId({ limit: uid, rule: "tokens", values: [] }, 1);

async function put(plural: string, kind: string, name: string, spec: unknown): Promise<string> {
  const body = { apiVersion: "sluice.dev/v1alpha1", kind, metadata: { name, namespace: "default" }, spec };
  const made = await api.call("POST", `${base}/${plural}`, { body });
  expect(made).toMatchObject({ status: 201 });
  return String(made.body.metadata?.uid);
}

beforeAll(async () => {
  api = await startAdminApi();
  const price = { inputPerMillion: "2.00", outputPerMillion: "10.00" };
  await put("providers", "Provider", "vendor", {
    ...{ type: "OpenAICompatible", baseUrl: "http://203.0.113.1/v1", credential: { type: "None" } },
    models: [{ name: "good", price }, { name: "free-of-price" }],
  });
  uid = await put("budgets", "Budget", "daily", {
    per: ["Service"],
    limit: { usd: "500" },
    window: { calendar: "Day" },
  });
  await vi.waitFor(async () => expect((await api.plane.store.latestRevision())?.snapshot.limits).toHaveLength(1), {
    timeout: 20_000,
  });
  const { store } = api.plane;
  const stored = await store.readLeases({ windows: [], sessions: [], accounts: [] });
  const empty = { version: 0, carried: 0n, expiring: [], expired: 0n, leases: new Map(), recalledAtMs: 0 };
  const accounts = [
    { ...empty, id: account(), endsAtMs: nowMs + 86_400_000, closed: 4_000_000_000n },
    { ...empty, id: past(), endsAtMs: nowMs - 1, closed: 4_000_000_000n },
    { ...empty, id: other(), endsAtMs: nowMs + 86_400_000, closed: 1_260n },
  ];
  const expected = { memory: stored.memory, epochVersion: stored.epoch?.version ?? 0 };
  expect(await store.writeLeases({ sessions: [], windows: [], accounts }, expected)).toBe(true);
  const call = {
    ...{ startedAtMs: nowMs - 60_000, provider: "default/vendor", upstreamModel: "good", service: "classify" },
    charges: [
      [account(), 2_000_000_000],
      [past(), 7],
      [other(), 1_260],
    ] as [string, number][],
  };
  await recordEvents(store, [
    // True cost: (1,000 + 200) × 2 + (50 + 10) × 10 USD per million = 3,000,000 nano-USD.
    usageEvent(1, { ...call, costNanoUsd: 2_000_000_000 }),
    usageEvent(2, { ...call, costNanoUsd: 2_000_000_000 }),
    usageEvent(3, { ...call, costNanoUsd: 3_000_000 }),
    usageEvent(4, { ...call, upstreamModel: "free-of-price", costNanoUsd: 5 }),
    usageEvent(5, { ...call, provider: "default/elsewhere", costNanoUsd: 9 }),
    usageEvent(6, {
      ...call,
      costNanoUsd: 3_000_000,
      heldNanoUsd: 1_000_000,
      estimated: true,
      requestId: "req_cut",
      provider: "default/cut",
    }),
    usageEvent(7, { ...call, startedAtMs: nowMs - 86_400_000, costNanoUsd: 2_000_000_000 }),
  ]);
});
afterAll(() => api[Symbol.asyncDispose]());

async function balances(): Promise<(bigint | undefined)[]> {
  const { accounts } = await api.plane.store.readLeases({
    windows: [],
    sessions: [],
    accounts: [account(), past(), other()],
  });
  return [account(), past(), other()].map((id) => accounts.get(id)).map((found) => found && spentOf(found));
}
async function total() {
  const { body } = await api.call("GET", `/admin/v1/spend?${new URLSearchParams({ since })}`);
  return { cost: String(body.total?.costUsd), held: String(body.total?.heldUsd) };
}
const reprice = (body: Record<string, unknown>) =>
  api.call("POST", "/admin/v1/usage/reprice", { body: { since, reason: "a slip", ...body } });

test("tokens of a test event are what the true cost is reckoned from", () => {
  expect(tokens).toMatchObject({ input: 1_000, cacheRead: 200, output: 50, outputReasoning: 10 });
});

test("a dry run tells what a reprice would do, and does nothing", async () => {
  const before = { balances: await balances(), total: await total() };
  expect(await reprice({ provider: "default/vendor", dryRun: true })).toMatchObject({
    status: 200,
    body: { dryRun: true, records: 4, corrected: 2, skipped: 1, deltaCostUsd: "-3.994", deltaHeldUsd: "0.00" },
  });
  expect({ balances: await balances(), total: await total() }).toEqual(before);
});

test("a reprice corrects records, report and the balance of the open window, once, and keeps what was recorded", async () => {
  const before = await total();
  expect(before.cost).toBe("4.006000014");
  const answer = await reprice({ provider: "default/vendor" });
  expect(answer).toMatchObject({
    status: 200,
    body: { records: 4, corrected: 2, skipped: 1, accounts: 1, deltaCostUsd: "-3.994" },
  });
  expect(await total()).toEqual({ cost: "0.012000014", held: "0.001" });
  expect(await balances()).toEqual([6_000_000n, 4_000_000_000n, 1_260n]);

  const again = await reprice({ provider: "default/vendor" });
  expect(again.body).toMatchObject({ corrected: 0, deltaCostUsd: "0.00", accounts: 0 });
  expect(await balances()).toEqual([6_000_000n, 4_000_000_000n, 1_260n]);

  const { body } = await api.call("GET", "/admin/v1/usage?requestId=req_1");
  expect(body.items[0]).toMatchObject({
    costUsd: "0.003",
    corrections: [
      {
        kind: "Reprice",
        deltaCostUsd: "-1.997",
        by: "admin token",
        reason: "a slip",
        price: expect.stringContaining("good"),
      },
    ],
  });
  // The record itself is as it came.
  const [kept] = await api.plane.store.listUsage({ limit: 1, requestId: "req_1" });
  expect(kept?.costNanoUsd).toBe(2_000_000_000);
});

test("a held part is given back once, and the balance with it", async () => {
  const [before = 0n] = await balances();
  const settle = () => api.call("POST", "/admin/v1/usage/settle", { body: { since, reason: "not billed" } });
  expect(await settle()).toMatchObject({
    status: 200,
    body: { records: 1, corrected: 1, deltaHeldUsd: "-0.001", deltaCostUsd: "0.00", accounts: 1 },
  });
  expect((await balances())[0]).toBe(before - 1_000_000n);
  expect(await total()).toMatchObject({ held: "0.00" });
  expect((await settle()).body).toMatchObject({ corrected: 0 });
  expect((await balances())[0]).toBe(before - 1_000_000n);
});

test("one request is settled at what the provider did bill", async () => {
  const [before = 0n] = await balances();
  const answer = await api.call("POST", "/admin/v1/usage/settle", {
    body: { requestId: "req_cut", costUsd: "0.005", reason: "on the invoice" },
  });
  expect(answer).toMatchObject({ status: 200, body: { corrected: 1, deltaCostUsd: "0.002" } });
  expect((await balances())[0]).toBe(before + 2_000_000n);
});

test.for([
  ["reprice", { since: "yesterday", reason: "x" }, 422, /^since: /],
  ["reprice", { since: "2026-11-20T00:00:00Z", reason: "" }, 422, /^reason: /],
  ["settle", { reason: "x" }, 422, /exactly one of requestId and since/],
  ["settle", { requestId: "req_none", reason: "x" }, 400, /no record of the request req_none/],
  ["settle", { requestId: "req_cut", costUsd: "-1.00", reason: "x" }, 422, /costUsd: must be US dollars such as/],
] as const)("a %s of %j is refused in words", async ([act, body, status, message]) => {
  expect(await api.call("POST", `/admin/v1/usage/${act}`, { body })).toMatchObject({
    status,
    body: { message: expect.stringMatching(message) },
  });
});
