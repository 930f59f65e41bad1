import { accountId } from "@sluice/contract";
import type { AccountState } from "@sluice/limits";
import { expect, test } from "vitest";
import { limitPlan, monthEndMs, monthStartMs, usdRule } from "../../test/account-figures.ts";
import { testLog } from "../../test/observed.ts";
import type { AccountFigures } from "./account-figures.ts";
import { AccountWatch } from "./account-watch.ts";

const account = (service: string, closed: bigint, version = 1): AccountState => ({
  id: accountId({ limit: "budget-1", rule: "usd", values: [service] }, monthStartMs),
  ...{
    version,
    endsAtMs: monthEndMs,
    closed,
    carried: 0n,
    expiring: [],
    expired: 0n,
    leases: new Map(),
    recalledAtMs: 0,
  },
});

/** A clock whose timers run when it is moved. */
function steppedClock(startMs: number) {
  let now = startMs;
  const timers = new Set<{ atMs: number; act: () => void }>();
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return {
    nowMs: () => now,
    after(ms: number, act: () => void) {
      const timer = { atMs: now + ms, act };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms: number) {
      for (const untilMs = now + ms; now < untilMs; now = Math.min(now + 10, untilMs)) {
        await settle();
        for (const timer of [...timers]) if (timer.atMs <= now + 10 && timers.delete(timer)) timer.act();
      }
      await settle();
    },
  };
}

function watchOf(stored: readonly AccountState[]) {
  const clock = steppedClock(monthStartMs + 3_600_000);
  const looked: string[] = [];
  const recalled: string[] = [];
  const count = { statuses: 0, reads: 0 };
  const watch = new AccountWatch({
    store: {
      async listAccounts() {
        count.reads++;
        return [...stored];
      },
      durability: async () => ({ kind: "Reduced", reasons: ["synchronous_commit is off"] }),
    },
    alerts: {
      usePolicies() {},
      async look(accounts: Iterable<AccountFigures>) {
        for (const { values, spent } of accounts) looked.push(`${values} ${spent}`);
      },
    },
    clock,
    log: testLog(),
    async onChange() {
      count.statuses++;
    },
    async recall(families) {
      recalled.push(...families.map(({ values }) => String(values)));
    },
  });
  watch.useLimits([limitPlan()], new Map());
  return { watch, clock, looked, recalled, count };
}

test("accounts of other replicas are looked at every few seconds, with what the database can lose", async () => {
  const { watch, clock, looked, count } = watchOf([account("a", 5n)]);
  await clock.advance(25_000);
  expect(looked).toEqual(["a 5", "a 5", "a 5"]);
  expect(count.reads).toBe(3);
  expect(watch.situation(clock.nowMs()).durabilityReduced).toBe("synchronous_commit is off");
  await watch[Symbol.asyncDispose]();
});

test("what this replica books is looked at at once, and statuses are asked for seldom", async () => {
  const { watch, clock, looked, count } = watchOf([]);
  await clock.advance(100);
  const before = count.statuses;
  // A thousand bookings in ten seconds.
  for (let step = 1; step <= 1_000; step++) {
    watch.note([account("a", BigInt(step), step)], []);
    await clock.advance(10);
  }
  expect(looked.at(-1)).toMatch(/^a (99[0-9]|1000)$/);
  expect(looked.length).toBeGreaterThan(50);
  expect(count.statuses - before).toBeLessThanOrEqual(6);
  expect(watch.situation(clock.nowMs()).figures.get("budget-1")?.accounts).toMatchObject([{ spent: 1_000n }]);
  await watch[Symbol.asyncDispose]();
});

test("where a lowered limit has more granted than it allows, what lies idle is called back", async () => {
  const lease = { returned: 0n, settled: 10n, state: "Open" } as const;
  const idle = { ...account("idle", 0n), leases: new Map([["one", { ...lease, granted: 90n, reserved: 5n }]]) };
  const inUse = { ...account("in-use", 0n), leases: new Map([["one", { ...lease, granted: 90n, reserved: 80n }]]) };
  const { watch, clock, recalled } = watchOf([idle, inUse]);
  await clock.advance(5_000);
  expect(recalled).toEqual([]);
  watch.useLimits([limitPlan({ rules: [{ ...usdRule, amount: "50" }] })], new Map());
  await clock.advance(5_000);
  expect(recalled).toEqual(["idle"]);
  await watch[Symbol.asyncDispose]();
});
