/** Without a control plane data planes spend what they hold, and no more; with several, they are one record. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../../packages/control-plane/test/postgres-server.ts";
import { accountsOf } from "./accounts.ts";
import { billNanoUsd } from "./bill.ts";
import { eventually } from "./eventually.ts";
import { type Installation, startInstallation } from "./installation.ts";
import { countOf, outcomeOf } from "./outcome.ts";

let postgres: PostgresServer;
let installation: Installation;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterEach(() => installation[Symbol.asyncDispose]());
afterAll(() => postgres[Symbol.asyncDispose]());

const dollar = 1_000_000_000n;
const bill = () => billNanoUsd(installation.simulator.bill());

test("without the record a budget is spent to what was granted, and a rate goes on; afterwards all agrees", async () => {
  const planes = 2;
  installation = await startInstallation({ planes, behaviour: () => ({ tokens: 1_000 }) });
  await installation.apply(
    {
      kind: "Budget",
      metadata: { name: "dollar" },
      spec: { selector: { services: ["budgeted"] }, limit: { usd: "1.00" }, maxWait: "0s" },
    },
    {
      kind: "RateLimit",
      metadata: { name: "rate" },
      spec: { selector: { services: ["rated"] }, limits: [{ name: "calls", requests: 100, window: "1m" }] },
    },
  );
  const budgeted = await installation.issue("budgeted", { service: "budgeted" });
  const rated = await installation.issue("rated", { service: "rated" });
  const callAll = async (key: string, count: number, again?: string[]) => {
    const calls = Array.from({ length: count }, (_, index) =>
      outcomeOf(installation.client(key, { plane: index % planes }), {
        text: `Call ${index}`,
        ...(again !== undefined && { again }),
      }),
    );
    return Promise.all(calls);
  };
  expect(countOf(await callAll(rated, 4), "served")).toBe(4);
  for (let round = 0; round < 3; round++) {
    expect(countOf(await callAll(budgeted, 6), "served")).toBe(6);
    installation.clock.advance(1_500);
  }
  await installation.stopControlPlanes();

  const words: string[] = [];
  for (let round = 0; round < 10; round++) words.push(...(await callAll(budgeted, 10, [])));
  const kinds = new Set(words);
  kinds.delete("served");
  expect(kinds).toEqual(new Set(["limit_unavailable"]));
  expect(bill()).toBeLessThanOrEqual(dollar);
  expect(countOf(await callAll(rated, 4), "served")).toBe(4);

  await installation.addControlPlane();
  await eventually("answers as before", async () => (await outcomeOf(installation.client(budgeted))) === "served");
  installation.clock.advance(31_000);
  await eventually("an account that has heard of all", async () => {
    const [account] = await accountsOf(installation, "dollar");
    const ofBudget = billNanoUsd(installation.simulator.bill()) - (await ledgerOf("rated"));
    return account?.spent === ofBudget ? true : `${account?.spent}, not ${ofBudget}`;
  });
  expect(installation.errors).toEqual([]);
});

async function ledgerOf(service: string): Promise<bigint> {
  const untilMs = installation.clock.wallMs() + 1;
  const groups = await installation.store.spend({ by: ["service"], sinceMs: 0, untilMs });
  return groups.find(({ values }) => values[0] === service)?.costNanoUsd ?? 0n;
}

test("three control planes on one PostgreSQL are one record: a race on three data planes, over the turn of the hour", async () => {
  const planes = 3;
  installation = await startInstallation({
    ...{ planes, controlPlanes: 3, databaseUrl: await postgres.createDatabase() },
    startMs: Date.UTC(2026, 0, 6, 1, 0),
    behaviour: () => ({ tokens: 100 }),
  });
  const { clock } = installation;
  await installation.apply({
    kind: "Budget",
    metadata: { name: "hourly" },
    spec: { limit: { usd: "0.01" }, window: { calendar: "Hour" }, maxWait: "2s" },
  });
  const key = await installation.issue("racer", { service: "racer" });
  const race = async () => {
    const before = bill();
    const calls = Array.from({ length: 60 }, (_, index) =>
      outcomeOf(installation.client(key, { plane: index % planes }), { maxTokens: 100, text: `Call ${index}` }),
    );
    const words = await Promise.all(calls);
    const served = countOf(words, "served");
    expect(served).toBeGreaterThan(0);
    expect(served + countOf(words, "budget_exhausted") + countOf(words, "budget_reserved")).toBe(60);
    const spent = bill() - before;
    expect(spent).toBeLessThanOrEqual(10_000_000n);
    return spent;
  };
  const spent: bigint[] = [];
  for (let hour = 0; hour < 3; hour++) {
    spent.push(await race());
    clock.advance(6_000);
    await eventually("an account for each hour, with what was billed in it", async () => {
      const accounts = (await accountsOf(installation, "hourly")).sort((one, other) => one.window - other.window);
      const found = accounts.map((account) => account.spent);
      return `${found}` === `${spent}` ? true : `${found}, not ${spent}`;
    });
    clock.advance(3_600_000 - (clock.wallMs() % 3_600_000) + 1_000);
  }
  expect(installation.errors).toEqual([]);
});
