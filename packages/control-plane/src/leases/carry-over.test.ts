/** An edit never forgives: what accounts start with after each kind of edit, on both databases. */

import { createMemoryBus } from "@sluice/bus";
import { accountId, type Bus, type Family, type LimitPlan, type LimitRule, type UsageEvent } from "@sluice/contract";
import { committedOf, spentOf } from "@sluice/limits";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limitPlan } from "../../test/account-figures.ts";
import { describeEachStore } from "../../test/each-store.ts";
import { LeaseAsker, need, totals } from "../../test/lease-asker.ts";
import { realClock } from "../../test/observed.ts";
import { recordAll } from "../../test/usage-events.ts";
import { LeaseService } from "./lease-service.ts";

describeEachStore("an edit of a limit", (under) => {
  let tests = 0;
  let uid = "";
  let bus: Bus;
  let running: AsyncDisposableStack;
  let service: LeaseService;
  beforeEach(() => {
    uid = `edited-${++tests}`;
    running = new AsyncDisposableStack();
    bus = running.use(createMemoryBus().connect());
    under.log.lines.length = 0;
    const clock = { nowMs: under.clock.nowMs, after: realClock.after };
    const random = { bytes: (count: number) => new Uint8Array(count) };
    service = running.use(new LeaseService({ ...{ bus, clock, random, store: under.store, log: under.log } }));
  });
  afterEach(() => running.disposeAsync());

  const rule = (change: Partial<LimitRule> = {}): LimitRule => ({
    ...{ name: "usd", unit: "nanoUsd", amount: "1000", window: { kind: "lifetime" } },
    ...change,
  });
  // Each test's calls are of its own namespace.
  const plan = (change: Partial<LimitPlan> = {}): LimitPlan =>
    limitPlan({ uid, id: `ai/${uid}`, namespace: uid, per: ["Team"], rules: [rule()], ...change });
  const family = (...values: string[]): Family => ({ limit: uid, rule: "usd", values });
  const id = (...values: string[]) => accountId(family(...values), 0);
  const asker = (name: string) => new LeaseAsker(bus, `${under.kind} ${uid} ${name}`);
  const record = (events: readonly Partial<UsageEvent>[]) =>
    recordAll(
      under.store,
      uid,
      events.map((event) => ({ namespace: uid, startedAtMs: under.clock.nowMs(), ...event })),
    );
  const accounts = async () => new Map((await under.store.listAccounts({ limits: [uid] })).map((one) => [one.id, one]));
  const spent = async (...values: string[]) => {
    const account = (await accounts()).get(id(...values));
    return account === undefined ? undefined : spentOf(account);
  };

  /** Team a: 100 settled and in the ledger, 30 settled and not there yet, 50 under way. */
  async function spendSome(): Promise<LeaseAsker> {
    await service.useLimits([plan()]);
    await record([
      { team: "a", service: "api", costNanoUsd: 80, charges: [[id("a"), 80]] },
      { team: "a", service: "job", costNanoUsd: 15, heldNanoUsd: 5, charges: [[id("a"), 20]] },
    ]);
    const one = asker("one");
    await one.ask({ asks: [need(family("a"), 180)] });
    await one.ask({ totals: [totals(family("a"), { granted: 180, settled: 130, reserved: 50 })] });
    return one;
  }

  test("another `per`: accounts start with their history and all that the ledger has no record of", async () => {
    await spendSome();
    await service.useLimits([plan({ per: ["Service"] })]);
    expect(await spent("api")).toBe(80n + 80n);
    expect(await spent("job")).toBe(20n + 80n);
    // One that spent nothing may be the one whose call is under way.
    const { leases } = await asker("two").ask({ asks: [need(family("new"), 920), need(family("other"), 921)] });
    expect(leases).toMatchObject([
      { granted: 920, free: "0" },
      { granted: 0, shortage: "Exhausted" },
    ]);
    expect(under.log.lines).toMatchObject([{ message: "a changed limit was brought in line" }]);
  });

  test("no `per` any more: one account has all", async () => {
    await spendSome();
    await service.useLimits([plan({ per: [] })]);
    const total = await known(accounts().then((all) => all.get(id())));
    expect(spentOf(total)).toBe(180n);
  });

  test("a corrected account: what is under way stays unproven, and the correction counts once", async () => {
    await spendSome();
    const correction = {
      ...{ id: `cor-${uid}`, instance: uid, seq: 1, kind: "Reprice" as const, deltaCostNanoUsd: -60n },
      ...{ deltaHeldNanoUsd: 0n, price: "p#2", by: "somebody", reason: "price", atMs: under.clock.nowMs() },
    };
    await under.store.recordCorrections([correction], () => new Map([[id("a"), -60n]]));
    await service.useLimits([plan({ per: ["Service"] })]);
    expect([await spent("api"), await spent("job")]).toEqual([20n + 80n, 20n + 80n]);
  });

  test("the same edit again, by whoever, changes nothing more", async () => {
    await spendSome();
    await service.useLimits([plan({ per: ["Service"] })]);
    const before = await accounts();
    await service.useLimits([plan({ per: ["Service"] })]);
    expect(await accounts()).toEqual(before);

    // A replica that was cut off between accounts and book does it all again.
    const books = await under.store.listLimitBooks();
    const book = await known(Promise.resolve(books.find((each) => each.uid === uid)));
    const old = JSON.stringify({ ...JSON.parse(book.body), per: ["Team"], openings: {} });
    await under.store.writeLimitBooks([{ ...book, body: old }]);
    await service.useLimits([plan({ per: ["Service"] })]);
    expect([await spent("api"), await spent("job")]).toEqual([160n, 100n]);
  });

  test("there and back again: nothing is forgiven, and nothing proven is counted twice", async () => {
    const one = await spendSome();
    await record([
      { team: "a", service: "api", costNanoUsd: 80, charges: [[id("a"), 80]] },
      { team: "a", service: "job", costNanoUsd: 15, heldNanoUsd: 5, charges: [[id("a"), 20]] },
      { team: "a", service: "job", costNanoUsd: 50, charges: [[id("a"), 50]] },
    ]);
    await one.ask({ totals: [totals(family("a"), { granted: 180, returned: 30, settled: 150 })] });
    await service.useLimits([plan({ per: ["Service"] })]);
    expect([await spent("api"), await spent("job")]).toEqual([80n, 70n]);
    await service.useLimits([plan()]);
    expect(await spent("a")).toBe(150n);
  });

  test("tokens that are held for a call without usage are not forgiven", async () => {
    const tokens = { name: "tokens", unit: "tokens" } as const;
    const account = (...values: string[]) => accountId({ limit: uid, rule: "tokens", values }, 0);
    const used = {
      ...{ input: 5, inputAudio: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheWriteOther: 0 },
      ...{ output: 2, outputReasoning: 0, outputAudio: 0 },
    };
    await service.useLimits([plan({ rules: [rule(tokens)] })]);
    await record([
      { team: "a", service: "api", charges: [[account("a"), 400]], billingReason: "ProcessKilled" },
      { team: "a", service: "job", tokens: used, charges: [[account("a"), 7]] },
      { team: "a", service: "job", charges: [["0@another/tokens/a", 900]], billingReason: "ProcessKilled" },
    ]);
    await service.useLimits([plan({ per: ["Service"], rules: [rule(tokens)] })]);
    const all = await accounts();
    expect(["api", "job"].map((service) => all.get(account(service))?.carried)).toEqual([400n, 7n]);
  });

  test("another selector: the account stays, and counts at least what the ledger knows under it", async () => {
    await spendSome();
    await record([
      ...[{}, {}],
      { team: "a", service: "batch", costNanoUsd: 700, model: "gpt-4o" },
      { team: "b", service: "batch", costNanoUsd: 60, model: "gpt-4o-mini" },
      { team: "b", service: "batch", costNanoUsd: 9, model: "claude" },
    ]);
    await service.useLimits([plan({ selector: { services: ["api"] } })]);
    expect([await spent("a"), await spent("b")]).toEqual([130n, undefined]);
    await service.useLimits([plan({ selector: { services: ["batch"], models: ["gpt-*"] } })]);
    expect([await spent("a"), await spent("b")]).toEqual([700n, 60n]);
    const account = await known(accounts().then((all) => all.get(id("a"))));
    expect(committedOf(account), "with the 50 under way").toBe(750n);
  });

  test("another window: it begins with what was spent in it", async () => {
    const hour = rule({ window: { kind: "tumbling", ms: 3_600_000 } });
    const day = rule({ window: { kind: "tumbling", ms: 86_400_000 } });
    await service.useLimits([plan({ rules: [hour] })]);
    const nowMs = under.clock.nowMs();
    const dayStartsAtMs = nowMs - (nowMs % 86_400_000);
    await record([
      { team: "a", costNanoUsd: 400, startedAtMs: nowMs },
      { team: "a", costNanoUsd: 30, startedAtMs: dayStartsAtMs },
      { team: "a", costNanoUsd: 7, startedAtMs: dayStartsAtMs - 1 },
    ]);
    await service.useLimits([plan({ rules: [day] })]);
    const { leases } = await asker("one").ask({ asks: [need(family("a"), 571)] });
    expect(leases).toMatchObject([{ window: dayStartsAtMs, spent: "430", granted: 0, shortage: "Exhausted" }]);
  });

  test("in a rolling window what is carried over runs out", async () => {
    const rolling = rule({ window: { kind: "rolling", ms: 60_000 } });
    await service.useLimits([plan({ rules: [rolling] })]);
    await record([{ team: "a", service: "api", costNanoUsd: 900 }]);
    await service.useLimits([plan({ per: ["Service"], rules: [rolling] })]);
    expect((await asker("one").ask({ asks: [need(family("api"), 200)] })).leases).toMatchObject([{ granted: 0 }]);
    under.clock.advance(60_001);
    expect((await asker("two").ask({ asks: [need(family("api"), 200)] })).leases).toMatchObject([{ granted: 200 }]);
  });

  test("another unit: what the calls of this window used of it", async () => {
    await service.useLimits([plan()]);
    const tokens = {
      ...{ input: 5, inputAudio: 0, cacheRead: 1, cacheWrite5m: 0, cacheWrite1h: 0, cacheWriteOther: 0 },
      ...{ output: 3, outputReasoning: 0, outputAudio: 0 },
    };
    await record([{ team: "a", tokens }, { team: "a", tokens, folded: 4 }, { costNanoUsd: 4 }]);
    const rules = [
      rule({ name: "tokens", unit: "tokens" }),
      rule({ name: "requests", unit: "requests" }),
      rule({ name: "slots", unit: "slots", window: { kind: "share" } }),
    ];
    await service.useLimits([plan({ rules })]);
    const at = await accounts();
    const sum = (name: string, value: string) =>
      at.get(accountId({ limit: uid, rule: name, values: [value] }, 0))?.carried;
    expect([sum("tokens", "a"), sum("requests", "a"), sum("requests", "(none)")]).toEqual([18n, 5n, 1n]);
    expect(sum("slots", "a")).toBeUndefined();
  });

  test("another amount, mode or namespace of nobody: accounts stay as they are", async () => {
    await spendSome();
    const before = await accounts();
    await service.useLimits([plan({ rules: [rule({ amount: "5" })], mode: "Warn" })]);
    expect(await accounts()).toEqual(before);
    expect(under.log.lines).toEqual([]);
  });

  test("a new limit starts with nothing", async () => {
    await record([{ team: "a", costNanoUsd: 400 }]);
    await service.useLimits([plan()]);
    expect(await accounts()).toEqual(new Map());
  });

  test("past the most accounts the smallest histories share one", async () => {
    await service.useLimits([plan()]);
    const services = ["s1", "s2", "s3", "s4"];
    await record(services.map((name, place) => ({ service: name, costNanoUsd: 10 * (place + 1) })));
    await service.useLimits([plan({ per: ["Service"], accountsMax: 2 })]);
    expect(await Promise.all(["s4", "s3", "(other)"].map((name) => spent(name)))).toEqual([40n, 30n, 30n]);
    const { leases } = await asker("one").ask({ asks: [need(family("s5"), 1)] });
    expect(leases).toMatchObject([{ family: family("(other)") }]);
  });
});

async function known<Value>(found: Promise<Value | undefined>): Promise<Value> {
  const value = await found;
  if (value === undefined) throw new Error("not there");
  return value;
}
