/** What happens to a budget by hand, while two data planes serve: no edit forgives, and what is lifted is lifted everywhere at once. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { accountsOf } from "./accounts.ts";
import { eventually } from "./eventually.ts";
import { type Installation, startInstallation } from "./installation.ts";
import { countOf, outcomeOf } from "./outcome.ts";

const planes = 2;
/** A cent of gpt-4o for each answer, and a little for what is asked. */
const tokens = 1_000;

let installation: Installation;
beforeAll(async () => {
  installation = await startInstallation({ planes, behaviour: () => ({ tokens }) });
});
afterAll(() => installation[Symbol.asyncDispose]());

/** A service with a key and a budget of its own. */
async function service(name: string, spec: Record<string, unknown>) {
  const key = await installation.issue(name, { service: name, team: "edits" });
  const apply = (changed: Record<string, unknown>) =>
    installation.apply({
      kind: "Budget",
      metadata: { name },
      spec: { selector: { services: [name] }, maxWait: "0s", ...changed },
    });
  await apply(spec);
  let calls = 0;
  const call = (plane: number) => outcomeOf(installation.client(key, { plane }), { text: `Call ${calls++}` });
  return {
    apply,
    call,
    async onEachPlane(): Promise<string[]> {
      const words: string[] = [];
      for (let plane = 0; plane < planes; plane++) words.push(await call(plane));
      return words;
    },
    /** What the record counts, once it has heard everything. */
    async spent(): Promise<bigint> {
      installation.clock.advance(31_000);
      await eventually("a report of each data plane", async () => {
        const accounts = await accountsOf(installation, name);
        return accounts.every(({ committed, spent }) => committed === spent);
      });
      const accounts = await accountsOf(installation, name);
      return accounts.reduce((sum, account) => sum + account.spent, 0n);
    },
  };
}

/** Calls until nothing more fits on any data plane; answers how many were served. */
async function useUp({ onEachPlane }: { onEachPlane(): Promise<string[]> }): Promise<number> {
  let served = 0;
  for (let round = 0; round < 50; round++) {
    const words = await onEachPlane();
    served += countOf(words, "served");
    if (words.every((word) => word === "budget_exhausted")) return served;
    // What one holds and does not use goes to the other.
    installation.clock.advance(2_000);
  }
  throw new Error("50 rounds of calls did not use it up");
}

const eachPlane = (word: string) => Array.from({ length: planes }, () => word);

test("a raise is felt by the next call on every data plane", async () => {
  const raised = await service("raised", { limit: { usd: "0.03" } });
  expect(await useUp(raised)).toBeGreaterThan(0);
  const before = await raised.spent();
  expect(await raised.onEachPlane()).toEqual(eachPlane("budget_exhausted"));
  await raised.apply({ limit: { usd: "1.00" } });
  expect(await raised.onEachPlane()).toEqual(eachPlane("served"));
  // It goes on from what was spent.
  expect(await raised.spent()).toBeGreaterThan(before);
});

test("a budget lowered below what is spent refuses at once, and what is spent stays", async () => {
  const lowered = await service("lowered", { limit: { usd: "1.00" } });
  expect(await lowered.onEachPlane()).toEqual(eachPlane("served"));
  const spent = await lowered.spent();
  await lowered.apply({ limit: { usd: "0.01" } });
  // What a data plane still holds of the old amount goes back at once.
  await eventually("a refusal on each data plane", async () => {
    const words = await lowered.onEachPlane();
    return words.every((word) => word === "budget_exhausted") ? true : `${words}`;
  });
  const after = await lowered.spent();
  expect(after).toBeGreaterThanOrEqual(spent);
  expect(await lowered.onEachPlane()).toEqual(eachPlane("budget_exhausted"));
  expect(await lowered.spent()).toBe(after);
  await lowered.apply({ limit: { usd: "1.00" } });
  expect(await lowered.onEachPlane()).toEqual(eachPlane("served"));
});

test("without its budget a service is free again, and a new one begins with nothing spent", async () => {
  const deleted = await service("deleted", { limit: { usd: "0.03" } });
  await useUp(deleted);
  await installation.remove("Budget", "deleted");
  await eventually("answers without a budget", async () => {
    const words = await deleted.onEachPlane();
    return words.every((word) => word === "served") ? true : `${words}`;
  });
  await deleted.apply({ limit: { usd: "0.03" } });
  expect(await deleted.call(0)).toBe("served");
});

test("a budget for a key with a history begins with its first call", async () => {
  const key = await installation.issue("old-hand", { service: "old-hand" });
  for (let call = 0; call < 3; call++) expect(await outcomeOf(installation.client(key))).toBe("served");
  await installation.apply({
    kind: "Budget",
    metadata: { name: "old-hand" },
    spec: { selector: { services: ["old-hand"] }, limit: { usd: "0.02" }, window: { calendar: "Day" } },
  });
  expect(await outcomeOf(installation.client(key))).toBe("served");
});

test("accounts of a changed `per` begin with what the ledger knows of them", async () => {
  const split = await service("split", { limit: { usd: "0.05" }, window: { calendar: "Day" } });
  expect(await split.onEachPlane()).toEqual(eachPlane("served"));
  const spent = await split.spent();
  await eventually("records of both calls", async () => {
    const groups = await installation.store.spend({
      ...{ by: ["service"], sinceMs: 0, untilMs: installation.clock.wallMs() + 1 },
    });
    return groups.some(({ values, costNanoUsd }) => values[0] === "split" && costNanoUsd === spent);
  });
  await split.apply({ limit: { usd: "0.05" }, window: { calendar: "Day" }, per: ["Key"] });
  expect(await useUp(split)).toBeLessThanOrEqual(2);
  const accounts = await accountsOf(installation, "split");
  const own = accounts.find(({ values }) => values === "default/split");
  expect(own?.spent).toBeGreaterThanOrEqual(spent);
  expect(own?.committed).toBeLessThanOrEqual(50_000_000n);
});

test("a changed selector keeps the account", async () => {
  const moved = await service("moved", { limit: { usd: "0.03" } });
  await useUp(moved);
  await moved.apply({ limit: { usd: "0.03" }, selector: { services: ["moved"], teams: ["edits"] } });
  expect(await moved.onEachPlane()).toEqual(eachPlane("budget_exhausted"));
});

test("a stop holds on every data plane, and so does its end", async () => {
  const stopped = await service("stopped", { limit: { usd: "5.00" } });
  expect(await stopped.onEachPlane()).toEqual(eachPlane("served"));
  const act = { dimension: "Service", value: "stopped", reason: "runs wild" };
  const made = await installation.call<{ act: { id: string }; acknowledged: number }>("POST", "/admin/v1/stops", act);
  expect(made.acknowledged).toBe(planes);
  expect(await stopped.onEachPlane()).toEqual(eachPlane("stopped"));
  await installation.call("DELETE", `/admin/v1/acts/${made.act.id}`, { reason: "it is mended" });
  expect(await stopped.onEachPlane()).toEqual(eachPlane("served"));
});

test("an override lets a used-up budget go on at once, and leaves its manifest alone", async () => {
  const overridden = await service("overridden", { limit: { usd: "0.03" } });
  await useUp(overridden);
  const until = new Date(installation.clock.wallMs() + 3_600_000).toISOString();
  const act = { namespace: "default", name: "overridden", to: { usd: "0.50" }, until, reason: "launch day" };
  const made = await installation.call<{ act: { id: string } }>("POST", "/admin/v1/overrides/budgets", act);
  expect(await overridden.onEachPlane()).toEqual(eachPlane("served"));
  expect((await installation.read("Budget", "overridden")).spec.limit).toEqual({ usd: "0.03" });
  await installation.call("DELETE", `/admin/v1/acts/${made.act.id}`, { reason: "over" });
  await eventually("a refusal on each data plane", async () => {
    const words = await overridden.onEachPlane();
    return words.every((word) => word === "budget_exhausted") ? true : `${words}`;
  });
  expect(installation.errors).toEqual([]);
});
