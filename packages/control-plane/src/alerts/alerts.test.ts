/** Thresholds, told to a real receiver out of a real record. */

import { createHmac } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { figures, limitPlan, monthEndMs } from "../../test/account-figures.ts";
import { realClock, testLog } from "../../test/observed.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../test/webhook-receiver.ts";
import { Secret } from "../sources/secret.ts";
import type { SecretSource } from "../sources/secrets.ts";
import { openPgliteStore } from "../store/postgres.ts";
import type { Store, StoredResource } from "../store/store.ts";
import { alertPolicies } from "./alert-policy.ts";
import { Alerts } from "./alerts.ts";
import { crossedPercents } from "./thresholds.ts";

let store: Store;
let receiver: WebhookReceiver;
beforeAll(async () => {
  store = await openPgliteStore({}, { nowMs: Date.now, log: testLog() });
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(async () => {
  receiver = await startWebhookReceiver();
  return () => receiver[Symbol.asyncDispose]();
});

const secretText = "whsec-canary-0123456789";
const secrets: SecretSource = async (id) =>
  id === "ai/hooks/finops"
    ? { kind: "found", value: new Secret(secretText) }
    : { kind: "missing", message: `There is no secret ${id}` };

let budgets = 0;
/** A Budget of its own for each test. */
function budget(percents: readonly number[], how: { mode?: "Warn"; url?: string; secret?: string } = {}) {
  const name = `search-${++budgets}`;
  const { url = receiver.url, secret = "hooks", mode = "Enforce" } = how;
  const webhook = { url, secretRef: { name: secret, key: "finops" } };
  const spec = { mode, alerts: percents.map((atPercent) => ({ atPercent, webhook })) };
  const resource = { kind: "Budget", namespace: "ai", name, uid: `uid-${name}`, spec } as unknown as StoredResource;
  const plan = limitPlan({ uid: `uid-${name}`, id: `ai/${name}`, mode });
  return { name, resource, plan, policies: alertPolicies([resource]) };
}

function start(policies: ReturnType<typeof alertPolicies>, log = testLog()): Alerts {
  const alerts = new Alerts({ store, secrets, clock: realClock, log });
  alerts.usePolicies(policies);
  return alerts;
}

const usd = (dollars: number) => BigInt(dollars) * 1_000_000_000n;
const told = () => receiver.received.map(({ body }) => JSON.parse(body).atPercent);

test.for([
  ["nothing at 79.999999999 %", 79_999_999_999n, []],
  ["80 at exactly 80 %", 80_000_000_000n, [80]],
  ["all that were passed at once, in order", 131_000_000_000n, [80, 95, 100, 130]],
] as const)("an account has reached %s", ([, spent, percents]) => {
  expect(crossedPercents({ spent, amount: 100_000_000_000n }, [130, 100, 80, 95, 80])).toEqual(percents);
});

test("a limit of nothing reaches no threshold", () => {
  expect(crossedPercents({ spent: 0n, amount: 0n }, [80])).toEqual([]);
});

test("five replicas that look at once and again tell each threshold of each account once, in order", async () => {
  const { name, plan, policies } = budget([80, 95, 100]);
  const replicas = Array.from({ length: 5 }, () => start(policies));
  for (const dollars of [100, 410, 420, 480, 500, 500]) {
    const accounts = ["classify", "rank"].map((service) => figures({ plan, values: [service], spent: usd(dollars) }));
    await Promise.all(replicas.map((alerts) => alerts.look(accounts)));
  }
  await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBe(6);
  await Promise.all(replicas.map((alerts) => alerts[Symbol.asyncDispose]()));
  const bodies = receiver.received.map(({ body }) => JSON.parse(body));
  for (const service of ["classify", "rank"])
    expect(bodies.filter(({ account }) => account.Service === service).map(({ atPercent }) => atPercent)).toEqual([
      80, 95, 100,
    ]);
  expect(new Set(bodies.map(({ id }) => id)).size).toBe(6);
  const events = await store.listEvents({ limit: 100, kind: "Budget", namespace: "ai", name });
  expect(events).toHaveLength(6);
  expect(events.map(({ message }) => message)).toContain(
    'Service "rank" has spent 410.00 of 500.00 USD (82 %), past 80 %; the window ends 2026-12-01T00:00:00Z',
  );
});

test("a webhook is signed over its time and body, and carries a replay-safe id", async () => {
  const { plan, policies } = budget([80]);
  await using alerts = start(policies);
  await alerts.look([figures({ plan, spent: usd(400) })]);
  await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBe(1);
  const [{ headers, body } = { headers: {}, body: "" }] = receiver.received;
  const [, seconds, mac] = /^t=([0-9]+),v1=([0-9a-f]{64})$/.exec(String(headers["x-sluice-signature"])) ?? [];
  expect(mac).toBe(createHmac("sha256", secretText).update(`${seconds}.${body}`).digest("hex"));
  expect(JSON.parse(body)).toMatchObject({
    id: headers["x-sluice-event-id"],
    type: "budget.threshold",
    ...{ atPercent: 80, percent: 80, unit: "USD", spent: "400.00", limit: "500.00" },
    account: { Service: "classify" },
    window: { startsAt: "2026-11-01T00:00:00Z", endsAt: "2026-12-01T00:00:00Z" },
  });
  expect(JSON.stringify(headers) + body).not.toContain(secretText);
});

test("a receiver that fails has the same event again, and later thresholds wait for it", async () => {
  const { plan, policies } = budget([80, 95]);
  const log = testLog();
  await using alerts = start(policies, log);
  receiver.status = 500;
  await alerts.look([figures({ plan, spent: usd(490) })]);
  await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBe(1);
  receiver.status = 200;
  await expect.poll(told, { timeout: 20_000 }).toEqual([80, 80, 95]);
  const [first, again] = receiver.received;
  expect(again?.body).toBe(first?.body);
  expect(JSON.stringify(log.lines)).toContain("answered 500");
  expect(JSON.stringify(log.lines)).not.toContain(secretText);
});

test("what was not sent before a stop is sent by the next start", async () => {
  const { plan, policies } = budget([80]);
  {
    // Never told where to: as if it had been stopped before it could send.
    await using stopped = new Alerts({ store, secrets, clock: realClock, log: testLog() });
    stopped.usePolicies(new Map());
    await stopped[Symbol.asyncDispose]();
    stopped.usePolicies(policies);
    await stopped.look([figures({ plan, spent: usd(400) })]);
  }
  expect(receiver.received).toEqual([]);
  await using alerts = start(policies);
  await expect.poll(told, { timeout: 20_000 }).toEqual([80]);
  await alerts.look([figures({ plan, spent: usd(420) })]);
});

test.for([
  "http://169.254.169.254/latest/meta-data",
  "http://[::ffff:a9fe:a9fe]/",
  "http://0xa9fea9fe/",
  "http://metadata.google.internal/",
  "http://0.0.0.0/",
  "ftp://127.0.0.1/",
])("%s is never called, and given up at once", async (url) => {
  const { plan, policies } = budget([80], { url });
  const log = testLog();
  await using alerts = start(policies, log);
  await alerts.look([figures({ plan, spent: usd(400) })]);
  await expect
    .poll(() => log.lines.map(({ message }) => message), { timeout: 20_000 })
    .toContain("an alert could not be delivered, it is given up");
});

test("a redirect is not followed", async () => {
  const { plan, policies } = budget([80]);
  const log = testLog();
  await using alerts = start(policies, log);
  receiver.status = 302;
  receiver.location = "http://169.254.169.254/";
  await alerts.look([figures({ plan, spent: usd(400) })]);
  await expect.poll(() => JSON.stringify(log.lines), { timeout: 20_000 }).toContain("answered 302");
});

test("a secret that is missing is waited for, and named", async () => {
  const { plan, policies } = budget([80], { secret: "absent" });
  const log = testLog();
  await using alerts = start(policies, log);
  await alerts.look([figures({ plan, spent: usd(400) })]);
  await expect
    .poll(() => JSON.stringify(log.lines), { timeout: 20_000 })
    .toContain("There is no secret ai/absent/finops");
  expect(receiver.received).toEqual([]);
});

test("a budget that only warns tells 100 % without being asked to; one in the shadow tells nothing", async () => {
  const warning = budget([80], { mode: "Warn" });
  const shadow = budget([80]);
  await using alerts = start(new Map([...warning.policies, ...shadow.policies]));
  await alerts.look([
    figures({ plan: { ...shadow.plan, mode: "Shadow" }, spent: usd(600) }),
    figures({ plan: warning.plan, spent: usd(600) }),
  ]);
  await expect.poll(told, { timeout: 20_000 }).toEqual([80, 100]);
  expect(await store.listEvents({ limit: 10, kind: "Budget", name: shadow.name })).toEqual([]);
});

test("the next window has its thresholds again", async () => {
  const { plan, policies } = budget([80]);
  await using alerts = start(policies);
  await alerts.look([figures({ plan, spent: usd(400) })]);
  await alerts.look([figures({ plan, spent: usd(400), id: "1764547200000@next" })]);
  await expect.poll(told, { timeout: 20_000 }).toEqual([80, 80]);
});

test("what is old is forgotten: events, and alerts of windows that ended and are done with", async () => {
  const { plan, policies, name } = budget([80]);
  await using alerts = start(policies);
  await alerts.look([figures({ plan, spent: usd(400), endsAtMs: monthEndMs })]);
  await expect.poll(told, { timeout: 20_000 }).toEqual([80]);
  const eventsOf = () => store.listEvents({ limit: 10, kind: "Budget", name });
  await store.forgetEvents(monthEndMs - 1, 0);
  expect(await eventsOf()).toEqual([]);

  // Still known: the window is not over.
  await using again = start(policies);
  await again.look([figures({ plan, spent: usd(400), endsAtMs: monthEndMs })]);
  expect(await eventsOf()).toEqual([]);
  await store.forgetEvents(monthEndMs + 1, 100);
  await using later = start(policies);
  await later.look([figures({ plan, spent: usd(400), endsAtMs: monthEndMs })]);
  expect(await eventsOf()).toHaveLength(1);
});
