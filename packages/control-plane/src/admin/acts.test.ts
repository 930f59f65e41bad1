/** Stops and overrides over the admin API: what the data planes get of them, and how they end. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { type AdminApi, startAdminApi } from "../../test/admin-api.ts";

const soon = { timeout: 20_000, interval: 10 };
const inOneHour = () => new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
const budgets = "/apis/sluice.dev/v1alpha1/namespaces/default/budgets";

let api: AdminApi;
beforeAll(async () => {
  api = await startAdminApi();
  for (const instance of ["gw-1", "gw-2", "gw-3"]) await api.addDataPlane(instance);
});
afterAll(() => api[Symbol.asyncDispose]());

let names = 0;
async function budget(spec: Record<string, unknown> = {}): Promise<string> {
  const name = `monthly-${++names}`;
  const all = { limit: { usd: "500.00" }, window: { calendar: "Month" }, ...spec };
  const made = await api.call("POST", budgets, {
    body: { apiVersion: "sluice.dev/v1alpha1", kind: "Budget", metadata: { name, namespace: "default" }, spec: all },
  });
  expect(made).toMatchObject({ status: 201 });
  return name;
}
const override = (name: string, change: Record<string, unknown> = {}) =>
  api.call("POST", "/admin/v1/overrides/budgets", {
    body: { namespace: "default", name, to: { usd: "800" }, until: inOneHour(), reason: "launch day", ...change },
  });
async function planOf(name: string) {
  const revision = await api.plane.store.latestRevision();
  return revision?.snapshot.limits.find(({ id }) => id === `default/${name}`);
}
async function statusOf(name: string) {
  const { body } = await api.call("GET", `${budgets}/${name}`);
  const status = body.status as unknown as {
    overrides?: { to: string; reason: string }[];
    conditions: { type: string; status: string }[];
  };
  const overridden = status.conditions.find(({ type }) => type === "Overridden")?.status;
  return { overrides: status.overrides?.map(({ to, reason }) => `${to} ${reason}`), overridden };
}

test("a stop is on every data plane when it is answered, and gone from them when it is undone", async () => {
  const until = inOneHour();
  const made = await api.call("POST", "/admin/v1/stops", {
    body: { dimension: "Service", value: "search-batch", until, reason: "runaway job" },
  });
  expect(made).toMatchObject({ status: 201, body: { acknowledged: 3, desired: 3 } });
  const stops = async () => (await api.plane.store.latestRevision())?.snapshot.stops;
  const untilMs = Date.parse(until);
  expect(await stops()).toEqual([{ dimension: "Service", value: "search-batch", untilMs, reason: "runaway job" }]);
  const { body } = await api.call("GET", "/admin/v1/overrides");
  expect(body.items).toEqual([made.body.act]);

  const id = String(made.body.act?.id);
  const undone = await api.call("DELETE", `/admin/v1/acts/${id}`, { body: { reason: "fixed" } });
  expect(undone).toMatchObject({ status: 200, body: { acknowledged: 3, desired: 3 } });
  expect(await stops()).toEqual([]);
  expect((await api.call("GET", "/admin/v1/overrides")).body.items).toEqual([]);
  expect((await api.call("DELETE", `/admin/v1/acts/${id}`)).status).toBe(404);
});

test("a stop that is over is taken out by itself", async () => {
  const until = new Date(Date.now() + 1_200).toISOString();
  await api.call("POST", "/admin/v1/stops", { body: { dimension: "Model", value: "gpt-*", until, reason: "a drill" } });
  const stopped = async () => (await api.plane.store.latestRevision())?.snapshot.stops.length;
  expect(await stopped()).toBe(1);
  await expect.poll(stopped, soon).toBe(0);
});

test("an override is the amount that record and data planes go by, told in status, and leaves the spec alone", async () => {
  const name = await budget({ per: ["Service"] });
  const made = await override(name, { values: { Service: "batch" } });
  expect(made).toMatchObject({ status: 201, body: { acknowledged: 3, desired: 3 } });
  expect(await planOf(name)).toMatchObject({
    rules: [{ amount: "500000000000" }],
    overrides: [{ values: ["batch"], amounts: { usd: "800000000000" } }],
  });
  await expect.poll(() => statusOf(name), soon).toEqual({ overrides: ["800.00 launch day"], overridden: "True" });
  const { body } = await api.call("GET", `${budgets}/${name}`);
  expect(body.spec).toMatchObject({ limit: { usd: "500.00" } });

  // Applying the manifest again neither ends nor changes it.
  const { status: _status, ...manifest } = body;
  expect((await api.call("PUT", `${budgets}/${name}`, { body: manifest })).status).toBe(200);
  await expect.poll(() => statusOf(name), soon).toMatchObject({ overridden: "True" });

  await api.call("DELETE", `/admin/v1/acts/${made.body.act?.id}`);
  expect(await planOf(name)).toMatchObject({ rules: [{ amount: "500000000000" }], overrides: [] });
  await expect.poll(() => statusOf(name), soon).toEqual({ overrides: undefined, overridden: "False" });
});

test("an override of the whole budget is undone by its time", async () => {
  const name = await budget();
  await override(name, { until: new Date(Date.now() + 1_200).toISOString() });
  expect(await planOf(name)).toMatchObject({ rules: [{ amount: "800000000000" }] });
  await expect.poll(() => planOf(name), soon).toMatchObject({ rules: [{ amount: "500000000000" }] });
});

test.for([
  ["a Budget that is not there", { name: "absent" }, 404, /"absent" not found/],
  ["a time that is over", { until: "2020-01-01T00:00:00Z" }, 422, /until lies in the past/],
  ["a time without end", { until: "2999-01-01T00:00:00Z" }, 422, /more than a year away/],
  ["no time at all", { until: undefined }, 422, /^until: /],
  ["no reason", { reason: "" }, 422, /^reason: /],
  ["another unit", { to: { tokens: 5 } }, 422, /counts USD: set to.usd/],
  ["two units", { to: { tokens: 5, usd: "1" } }, 422, /exactly one of usd and tokens/],
  ["a negative amount", { to: { usd: "-1" } }, 422, /^to.usd: /],
  ["an account that the Budget has not", { values: { Team: "search" } }, 422, /is not split: leave the account out/],
] as const)("an override with %s is refused in words", async ([, change, status, message]) => {
  const name = await budget();
  const { until, ...rest } = { until: inOneHour() as string | undefined, ...change };
  const answer = await override(name, { ...rest, until });
  expect(answer).toMatchObject({ status, body: { message: expect.stringMatching(message) } });
  expect((await api.call("GET", "/admin/v1/overrides")).body.items).toEqual([]);
});

test.for([
  [{ dimension: "Key", value: "app", reason: "leak" }, /write it as namespace\/name/],
  [{ dimension: "Route", value: "chat", reason: "x" }, /^dimension: /],
  [{ dimension: "Team", value: "", reason: "x" }, /^value: /],
  [{ dimension: "Team", value: "search" }, /^reason: /],
] as const)("the stop %j is refused in words", async ([body, message]) => {
  const answer = await api.call("POST", "/admin/v1/stops", { body });
  expect(answer).toMatchObject({ status: 422, body: { message: expect.stringMatching(message) } });
});

test("acts need the token", async () => {
  const headers = { authorization: "Bearer wrong" };
  for (const [method, path] of [
    ["POST", "/admin/v1/stops"],
    ["POST", "/admin/v1/overrides/budgets"],
    ["DELETE", "/admin/v1/acts/act_1"],
    ["POST", "/admin/v1/usage/reprice"],
    ["POST", "/admin/v1/usage/settle"],
    ["GET", "/admin/v1/spend"],
  ] as const)
    expect((await api.call(method, path, { headers, ...(method === "GET" ? {} : { body: {} }) })).status).toBe(401);
});
