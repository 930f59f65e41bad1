/** Who is refused by which limit, in whose words, and what a refusal leaves untouched. */

import type { KeyEntry } from "@sluice/contract";
import { expect, test } from "vitest";
import { limitPlan, waitFor } from "./gateway.ts";
import { type Limited, refusalOf, startLimited } from "./limited.ts";

const operations = ["chat", "complete", "message", "embed"] as const;
const once = { name: "requests", unit: "requests", amount: "1" } as const;

/** A key that differs from the usual one in the dimension; or a call that does. */
const others: Record<string, { key?: Partial<KeyEntry>; model?: string }> = {
  Team: { key: { team: "ads" } },
  Service: { key: { service: "batch" } },
  User: { key: { user: "bob" } },
  Key: { key: { id: "default/other" } },
  "Metadata/env": { key: { metadata: { env: "live" } } },
  // By what is written down of models: names that callers make up are no fresh accounts.
  Model: { model: "free" },
};
test.for(Object.keys(others).flatMap((dimension) => operations.map((operation) => [dimension, operation] as const)))(
  "a limit per %s holds for %s, and for each value by itself",
  async ([dimension, operation]) => {
    await using limited = await startLimited({ limits: [limitPlan("each", [once], { per: [dimension] })] });
    const first = await limited[operation]();
    const second = await limited[operation]();
    expect([first.status, second.status]).toEqual([200, 429]);
    const refusal = await refusalOf(second);
    expect(refusal.message).toContain(`RateLimit default/each`);
    expect(refusal.message).toContain(`${dimension}=`);
    const { key, model } = others[dimension] ?? {};
    const options = key === undefined ? {} : { key: await limited.gateway.issue(key) };
    const fields = model === undefined ? {} : { model: operation === "message" ? "claude-haiku-4-5" : model };
    expect((await limited[operation](fields, options)).status).toBe(200);
  },
);

const selectors = [
  ["teams", { teams: ["search"] }],
  ["services", { services: ["web"] }],
  ["users", { users: ["ada"] }],
  ["keys", { keys: ["default/dev"] }],
  ["models", { models: ["gpt-4*", "claude-*", "text-*"] }],
  ["providers", { providers: ["default/openai", "default/anthropic"] }],
  ["routes", { routes: ["default/chat"] }],
  ["metadata", { metadata: { env: "test" } }],
] as const;
test.for(selectors.flatMap(([name, selector]) => operations.map((operation) => [name, operation, selector] as const)))(
  "a limit that selects %s stops %s when it is used up, each unit by itself",
  async ([, operation, selector]) => {
    for (const rule of [once, { unit: "tokens", amount: "1" }, { unit: "nanoUsd", amount: "1" }] as const) {
      const limit = limitPlan("small", [rule], { kind: "Budget", selector: JSON.parse(JSON.stringify(selector)) });
      await using limited = await startLimited({ limits: [limit] });
      if (rule === once) await limited[operation]();
      const answer = await limited[operation]();
      expect(answer.status).toBe(429);
      expect(answer.headers.get("x-should-retry")).toBe("false");
      expect(answer.headers.get("x-sluice-error-source")).toBe("policy");
      expect((await refusalOf(answer)).message).toContain("Budget default/small");
      expect(limited.simulator.requests).toHaveLength(rule === once ? 1 : 0);
    }
  },
);

test("a burst never passes a budget: of 60 calls at once as many are served as their worst case has room for", async () => {
  const amount = 10_000_000n;
  await using limited = await startLimited({
    limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: String(amount) }], { maxWaitMs: 0 })],
    behaviour: () => ({ latency: 300, tokens: 90 }),
  });
  const answers = await Promise.all(Array.from({ length: 60 }, () => limited.chat({ max_tokens: 100 })));
  const refused = answers.filter(({ status }) => status === 429);
  const served = answers.filter(({ status }) => status === 200);
  expect(served.length + refused.length).toBe(60);
  expect(served.length).toBeGreaterThan(0);
  expect(limited.simulator.requests).toHaveLength(served.length);
  expect(limited.billed() <= amount).toBe(true);
  const codes = new Set<string>();
  for (const answer of refused) {
    codes.add((await refusalOf(answer)).code);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answer.headers.get("x-should-retry")).not.toBe("false");
  }
  expect([...codes]).toEqual(["budget_reserved"]);
  expect(await limited.spent("dollars")).toBe(limited.billed());
});

test("calls that fit once others have settled wait for them, and all are served", async () => {
  const amount = 5_000_000n;
  await using limited = await startLimited({
    limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: String(amount) }])],
    behaviour: () => ({ latency: 20, tokens: 1 }),
  });
  const answers = await Promise.all(Array.from({ length: 30 }, () => limited.chat({ max_tokens: 200 })));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 200));
  expect(await limited.spent("dollars")).toBe(limited.billed());
  expect(limited.billed() <= amount).toBe(true);
});

const five = [{ name: "concurrent", unit: "slots", amount: "5", window: { kind: "share" } }] as const;

test("never more calls at once than there are slots, however many wait", async () => {
  await using limited = await startLimited({
    limits: [limitPlan("slots", [...five])],
    behaviour: () => ({ "gap-ms": 2, tokens: 10 }),
  });
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const answer = await limited.chat({ stream: true });
      await answer.text();
      return answer.status;
    }),
  );
  expect(answers).toEqual(Array.from({ length: 50 }, () => 200));
  const { requests } = limited.simulator;
  for (const { receivedAtMs } of requests) {
    const atOnce = requests.filter(
      (other) => other.receivedAtMs <= receivedAtMs && (other.finishedAtMs ?? Infinity) > receivedAtMs,
    );
    expect(atOnce.length).toBeLessThanOrEqual(5);
  }
});

test("calls beyond the slots are refused where none may wait, and a caller who hangs up frees its own", async () => {
  await using limited = await startLimited({
    limits: [limitPlan("slots", [...five], { maxWaitMs: 0 })],
    behaviour: () => ({ "gap-ms": 20, tokens: 100 }),
  });
  const callers = Array.from({ length: 50 }, () => new AbortController());
  const answers = callers.map(({ signal }) => limited.chat({ stream: true }, { signal }));
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(5);
  expect(statuses.filter((status) => status === 429)).toHaveLength(45);
  expect(underWay(limited)).toBe(5);
  const refused = (await Promise.all(answers)).find(({ status }) => status === 429) as Response;
  expect(await refusalOf(refused)).toMatchObject({ code: "concurrency_limited" });

  for (const caller of callers) caller.abort();
  await waitFor(() => underWay(limited) === 0, "all calls to end");
  await limited.event(50);
  const next = await Promise.all(Array.from({ length: 5 }, () => limited.chat({ max_tokens: 1 })));
  expect(next.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
});

function underWay({ simulator }: Limited): number {
  return simulator.requests.filter(({ finishedAtMs, abortedAtMs }) => (finishedAtMs ?? abortedAtMs) === undefined)
    .length;
}

test("a call that one limit refuses takes nothing of any other", async () => {
  const limits = [
    limitPlan("dollars", [{ unit: "nanoUsd", amount: "5000000000" }]),
    limitPlan("tokens", [{ unit: "tokens", amount: "1000000" }]),
    limitPlan("calls", [{ unit: "requests", amount: "3" }]),
    limitPlan("slots", [{ name: "concurrent", unit: "slots", amount: "2", window: { kind: "share" } }]),
    limitPlan("last", [{ unit: "requests", amount: "1" }], { selector: { models: ["gpt-4o-last"] } }),
  ];
  await using limited = await startLimited({ limits });
  expect((await limited.chat({ model: "gpt-4o-last" })).status).toBe(200);
  for (let call = 0; call < 5; call++) expect((await limited.chat({ model: "gpt-4o-last" })).status).toBe(429);
  // Two of three calls are left, and both slots.
  const answers = await Promise.all([limited.chat(), limited.chat()]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(await limited.spent("calls")).toBe(3n);
  expect(await limited.spent("dollars")).toBe(limited.billed());
  expect(await limited.spent("last")).toBe(1n);
});

test("a budget that is used up lets a free model pass, and closes one without a price", async () => {
  await using limited = await startLimited({
    limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: "0" }])],
  });
  expect((await limited.chat({ model: "free" })).status).toBe(200);
  const unpriced = await limited.chat({ model: "llama" });
  expect(await refusalOf(unpriced)).toMatchObject({ status: 403, code: "model_unpriced" });
  expect(unpriced.headers.get("x-should-retry")).toBe("false");
  const priced = await limited.chat();
  expect(await refusalOf(priced)).toMatchObject({ status: 429, code: "budget_exhausted" });
  expect(limited.simulator.requests).toHaveLength(1);
  const event = await limited.event(1);
  expect(event).toMatchObject({ costNanoUsd: 0, price: "test 0/0" });
});

test("a model without a price is served under a budget of tokens, and its record says that it has none", async () => {
  await using limited = await startLimited({ limits: [limitPlan("tokens", [{ unit: "tokens", amount: "1000000" }])] });
  expect((await limited.chat({ model: "llama" })).status).toBe(200);
  const event = await limited.event();
  expect(event).toMatchObject({ billingReason: "Unpriced" });
  expect(event).not.toHaveProperty("costNanoUsd");
  expect((await limited.spent("tokens")) > 0n).toBe(true);
});

test("a policy's refusal is no failure of a provider: no target is tried, none is named", async () => {
  await using limited = await startLimited({
    limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: "1" }])],
    route: { retry: { attempts: 2, on: ["RateLimited", "ServerError", "ConnectFailure", "Timeout"] } },
  });
  const answer = await limited.chat();
  expect(await refusalOf(answer)).toMatchObject({ status: 429, code: "budget_exhausted" });
  expect(await limited.event()).toMatchObject({ outcome: "Refused", code: "budget_exhausted", attempts: 0 });
  expect(limited.simulator.requests).toHaveLength(0);
});

test.for([
  ["its header", { headers: { "x-sluice-run": "r1" } }, {}],
  ["its metadata", { headers: { "x-sluice-metadata": '{"run":"r1"}' } }, {}],
  ["the body's metadata", {}, { metadata: { run: "r1" } }],
] as const)("a run of an agent, told by %s, has its own account", async ([, options, fields]) => {
  const limit = limitPlan("run", [{ unit: "requests", amount: "2" }], { per: ["Metadata/run"] });
  await using limited = await startLimited({ limits: [limit] });
  const call = () => limited.chat(fields, options as { headers?: Record<string, string> });
  expect([(await call()).status, (await call()).status, (await call()).status]).toEqual([200, 200, 429]);
  expect((await limited.chat({}, { headers: { "x-sluice-run": "r2" } })).status).toBe(200);
  expect((await limited.chat()).status).toBe(200);
});

test("a refusal names kind, object, account, limit, what is used, the need and the time of the turn", async () => {
  const hour = 3_600_000;
  const limit = limitPlan(
    "hourly",
    [{ name: "usd", unit: "nanoUsd", amount: "1500000", window: { kind: "tumbling", ms: hour } }],
    { per: ["Service"] },
  );
  await using limited = await startLimited({ limits: [limit] });
  await limited.chat({ max_tokens: 10 });
  const answer = await limited.chat({ max_tokens: 500 });
  const turn = (Math.floor(Date.now() / hour) + 1) * hour;
  const refusal = await refusalOf(answer);
  expect(refusal).toMatchObject({ status: 429, code: "budget_exhausted" });
  const spent = Number(limited.billed()) / 1e9;
  for (const part of [
    "Budget default/hourly",
    "Service=web",
    "$0.0015",
    `$${spent}`,
    new Date(turn).toISOString().replace(".000", ""),
  ])
    expect(refusal.message).toContain(part);
  const seconds = Number(answer.headers.get("retry-after"));
  expect(Math.abs(seconds - (turn - Date.now()) / 1000)).toBeLessThan(30);
});

test("what is stopped by hand is refused until it is over, whatever its budget", async () => {
  await using limited = await startLimited({
    stops: [
      { dimension: "Service", value: "web", reason: "a loop", untilMs: Date.now() + 60_000 },
      { dimension: "Service", value: "old", reason: "over", untilMs: Date.now() - 1 },
    ],
  });
  const answer = await limited.chat();
  expect(await refusalOf(answer)).toMatchObject({ status: 403, code: "stopped" });
  expect(answer.headers.get("x-should-retry")).toBe("false");
  const old = await limited.gateway.issue({ service: "old" });
  expect((await limited.chat({}, { key: old })).status).toBe(200);
  await limited.gateway.publishMoney({ stops: [] });
  expect((await limited.chat()).status).toBe(200);
  expect(limited.simulator.requests).toHaveLength(2);
});

test.for([
  ["no budget", []],
  ["only one that warns", [limitPlan("soft", [{ unit: "nanoUsd", amount: "9" }], { mode: "Warn" })]],
  ["only a rate", [limitPlan("rate", [{ unit: "requests", amount: "9" }])]],
] as const)("a gateway that serves nothing unbudgeted refuses a call under %s", async ([, limits]) => {
  await using limited = await startLimited({ limits: [...limits], gateway: { unbudgeted: "Refuse" } });
  expect(await refusalOf(await limited.chat())).toMatchObject({ status: 403, code: "unbudgeted" });
  expect(limited.simulator.requests).toHaveLength(0);
  await limited.gateway.publishMoney({ limits: [limitPlan("hard", [{ unit: "nanoUsd", amount: "5000000000" }])] });
  expect((await limited.chat()).status).toBe(200);
});

test.for(["Warn", "Shadow"] as const)("%s refuses nothing and keeps the books", async (mode) => {
  const limits = [
    limitPlan("dollars", [{ unit: "nanoUsd", amount: "1" }], { mode }),
    limitPlan("calls", [{ unit: "requests", amount: "0" }], { mode }),
  ];
  await using limited = await startLimited({ limits });
  for (let call = 0; call < 3; call++) expect((await limited.chat()).status).toBe(200);
  expect(await limited.spent("dollars")).toBe(limited.billed());
  expect(await limited.spent("calls")).toBe(3n);
});

test("a budget that is raised serves at once, one that is lowered below its spending refuses", async () => {
  const of = (amount: string) => [limitPlan("dollars", [{ unit: "nanoUsd", amount }])];
  await using limited = await startLimited({ limits: of("1") });
  expect((await limited.chat()).status).toBe(429);
  await limited.gateway.publishMoney({ limits: of("5000000000") });
  await waitFor(async () => (await limited.chat({ max_tokens: 10 })).status === 200, "the raised budget to serve");
  await limited.gateway.publishMoney({ limits: of("1") });
  await waitFor(async () => (await limited.chat({ max_tokens: 500 })).status === 429, "the lowered budget to refuse");
  expect(await limited.spent("dollars")).toBe(limited.billed());
});

test("counting tokens is free: no budget stops it or is charged, limits of calls count it", async () => {
  const limits = [
    limitPlan("dollars", [{ unit: "nanoUsd", amount: "0" }]),
    limitPlan("calls", [{ unit: "requests", amount: "2" }]),
  ];
  await using limited = await startLimited({ limits, gateway: { unbudgeted: "Refuse" } });
  const count = () =>
    fetch(`${limited.gateway.url}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "x-api-key": limited.gateway.key, "anthropic-version": "2023-06-01" },
      body: JSON.stringify({ model: "claude-sonnet-4-5", messages: [{ role: "user", content: "hi" }] }),
    });
  expect([(await count()).status, (await count()).status, (await count()).status]).toEqual([200, 200, 429]);
  expect(await limited.event()).toMatchObject({ costNanoUsd: 0, billingReason: "NotBilled" });
  expect(await limited.spent("dollars")).toBe(0n);
  expect(await limited.spent("calls")).toBe(2n);
});

test("a target that is stopped or has no price is left out, and another one serves", async () => {
  const routes = [
    {
      models: ["*"],
      targets: [
        { provider: "openai", model: "llama", tier: 0 },
        { provider: "openai", tier: 1 },
      ],
      retry: { attempts: 0 },
    },
  ];
  await using limited = await startLimited({
    limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: "5000000000" }])],
    routes,
  });
  expect((await limited.chat()).status).toBe(200);
  expect(await limited.event()).toMatchObject({ target: "t1", upstreamModel: "gpt-4o", attempts: 1 });
  await limited.gateway.publishMoney({
    stops: [{ dimension: "Provider", value: "default/openai", reason: "an incident" }],
  });
  expect(await refusalOf(await limited.chat())).toMatchObject({ status: 403, code: "stopped" });
});

test("values beyond the most accounts of a limit share one", async () => {
  const limit = limitPlan("run", [{ unit: "requests", amount: "2" }], { per: ["Metadata/run"], accountsMax: 2 });
  await using limited = await startLimited({ limits: [limit] });
  const statuses: number[] = [];
  for (const run of ["a", "b", "c", "d", "e", "f", "a", "b"])
    statuses.push((await limited.chat({}, { headers: { "x-sluice-run": run } })).status);
  expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 200, 200]);
  expect([...limited.gateway.record.accounts.keys()].sort()).toEqual([
    ...["0@run/requests/(other)", "0@run/requests/a", "0@run/requests/b"],
  ]);
});

test.for([
  ["hangs up", async (_limited: Limited, caller: AbortController) => caller.abort(), "ClientAborted"],
  ["loses its key", async ({ gateway }: Limited) => gateway.setKey(gateway.key, { state: "Revoked" }), "Refused"],
] as const)("a caller who waits for room and %s takes nothing", async ([, act, outcome]) => {
  await using limited = await startLimited({
    limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: "3000000" }])],
    behaviour: () => ({ latency: 400, tokens: 5 }),
  });
  const other = await limited.gateway.issue({ id: "default/other" });
  const first = limited.chat({ max_tokens: 200 }, { key: other });
  await waitFor(() => limited.simulator.requests.length === 1, "the first call to go up");
  const caller = new AbortController();
  const second = limited.chat({ max_tokens: 200 }, { signal: caller.signal }).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await act(limited, caller);
  await second;
  expect(await limited.event()).toMatchObject({ outcome, attempts: 0 });
  expect((await first).status).toBe(200);
  expect(limited.simulator.requests).toHaveLength(1);
  expect(await limited.spent("dollars")).toBe(limited.billed());
});
