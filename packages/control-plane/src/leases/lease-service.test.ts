/** The record's end of the bus, with a real record below, on both databases. */

import { createMemoryBus } from "@sluice/bus";
import { accountId, type Bus, type Family, type LimitPlan } from "@sluice/contract";
import { committedOf, epochHoldMs, sessionLifeMs, spentOf } from "@sluice/limits";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limitPlan } from "../../test/account-figures.ts";
import { describeEachStore } from "../../test/each-store.ts";
import { LeaseAsker, need, totals } from "../../test/lease-asker.ts";
import { realClock } from "../../test/observed.ts";
import { LeaseService } from "./lease-service.ts";
import { countThoseUnheard, writeOffSilent } from "./silence.ts";

describeEachStore("the lease service", (under) => {
  let tests = 0;
  let uid = "";
  let bus: Bus;
  let running: AsyncDisposableStack;
  beforeEach(() => {
    uid = `budget-${++tests}`;
    running = new AsyncDisposableStack();
    bus = running.use(createMemoryBus({ onHandlerError: () => {} }).connect());
    under.log.lines.length = 0;
  });
  afterEach(() => running.disposeAsync());

  const plan = (amount: string, change: Partial<LimitPlan> = {}): LimitPlan =>
    limitPlan({
      ...{ uid, per: ["Service"] },
      rules: [{ name: "usd", unit: "nanoUsd", amount, window: { kind: "lifetime" } }],
      ...change,
    });
  const family = (...values: string[]): Family => ({ limit: uid, rule: "usd", values });
  const ports = () => ({ store: under.store, log: under.log, nowMs: under.clock.nowMs });

  const serve = (...plans: LimitPlan[]): Promise<LeaseService> => serveFrom(under.store, plans);
  async function serveFrom(store: typeof under.store, plans: readonly LimitPlan[]): Promise<LeaseService> {
    const clock = { nowMs: under.clock.nowMs, after: realClock.after };
    const service = running.use(
      new LeaseService({
        ...{ bus, clock, store, log: under.log },
        random: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
      }),
    );
    await service.useLimits(plans);
    return service;
  }
  const asker = (name: string) => new LeaseAsker(bus, `${under.kind} ${uid} ${name}`);
  const accountNow = async (...values: string[]) => {
    const id = accountId(family(...values), 0);
    const { accounts } = await under.store.readLeases({ windows: [], sessions: [], accounts: [id] });
    return accounts.get(id);
  };

  test("grants what is free, and says what is short", async () => {
    await serve(plan("100"));
    const [one, two] = [asker("one"), asker("two")];
    expect((await one.ask({ asks: [need(family("api"), 60)] })).leases).toMatchObject([
      { family: family("api"), granted: 60, amount: "100", free: "40" },
    ]);
    expect((await two.ask({ asks: [need(family("api"), 60)] })).leases).toMatchObject([
      { granted: 0, shortage: "Reserved", free: "40" },
    ]);
    const settled = totals(family("api"), { granted: 60, settled: 60 });
    await one.ask({ totals: [settled] });
    expect((await two.ask({ asks: [need(family("api"), 60)] })).leases).toMatchObject([
      { granted: 0, shortage: "Exhausted", spent: "60" },
    ]);
    expect((await two.ask({ asks: [need(family("other"), 60)] })).leases).toMatchObject([{ granted: 60 }]);
  });

  test("the same request again grants nothing more, whichever replica has it", async () => {
    await serve(plan("100"));
    await serve(plan("100"));
    const one = asker("one");
    const request = one.next({ asks: [need(family("api"), 30)] });
    const replies = await Promise.all([one.send(request), one.send(request), one.send(request)]);
    for (const reply of replies) expect(reply).toMatchObject({ kind: "answered", leases: [{ granted: 30 }] });
    expect(committedOf(await known(accountNow("api")))).toBe(30n);
  });

  test("40 holders and two replicas race for the last 25 units: 25 are granted", async () => {
    await serve(plan("25"));
    await serve(plan("25"));
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, place) => asker(`pod ${place}`).ask({ asks: [need(family("api"), 1)] })),
    );
    const granted = replies.map(({ leases }) => leases[0]?.granted ?? 0);
    expect(granted.reduce((sum, each) => sum + each, 0)).toBe(25);
    expect(committedOf(await known(accountNow("api")))).toBe(25n);
  });

  test("a request that is none is left without an answer, and disturbs nobody", async () => {
    await serve(plan("100"));
    const one = asker("one");
    const bad = one.next({ asks: [need(family("api"), 1)] });
    const ask = (value: unknown) => bus.requests("leases").ask(Buffer.from(JSON.stringify(value)), 100);
    await Promise.all([
      expect(ask({ ...bad, session: "a\0b" })).rejects.toThrow(),
      expect(ask({ ...bad, incarnation: -1 })).rejects.toThrow(),
      expect(ask("nothing")).rejects.toThrow(),
      expect(asker("two").ask({ asks: [need(family("\ud800"), 1), need(family("a", "b"), 1)] })).resolves.toMatchObject(
        {
          leases: [],
        },
      ),
      expect(asker("three").ask({ asks: [need(family("\0ü"), 1)] })).resolves.toMatchObject({
        leases: [{ granted: 1 }],
      }),
    ]);
  });

  test("what lies idle elsewhere is called back at once", async () => {
    await serve(plan("100"));
    const recalls: unknown[] = [];
    running.use(
      await bus.signals("recalls").listen((value) => recalls.push(JSON.parse(Buffer.from(value).toString()))),
    );
    await asker("one").ask({ asks: [need(family("api"), 80)] });
    await asker("two").ask({ asks: [need(family("api"), 40)] });
    await expect.poll(() => recalls).toEqual([{ families: [family("api")] }]);
  });

  test("past the most accounts of a limit further values share one", async () => {
    await serve(plan("100", { accountsMax: 2 }));
    const one = asker("one");
    const { leases } = await one.ask({ asks: ["a", "b", "c", "d"].map((value) => need(family(value), 10)) });
    expect(leases.map((lease) => lease.family.values[0])).toEqual(["a", "b", "(other)", "(other)"]);
    expect(committedOf(await known(accountNow("(other)")))).toBe(10n);
  });

  test("a silent session is written off, but not while the record could not hear", async () => {
    await serve(plan("100"));
    await asker("one").ask({ asks: [need(family("api"), 70)] });
    const limits = new Map([[uid, plan("100")]]);
    under.clock.advance(sessionLifeMs + 1);
    const nowMs = under.clock.nowMs();
    await writeOffSilent(ports(), { limits, hearingSinceMs: nowMs - 1_000 });
    expect(spentOf(await known(accountNow("api")))).toBe(0n);
    await writeOffSilent(ports(), { limits, hearingSinceMs: 0 });
    const account = await known(accountNow("api"));
    expect([spentOf(account), committedOf(account)]).toEqual([70n, 70n]);
  });

  test("shares of a dead session come back, and those of one that speaks stay", async () => {
    const rules: LimitPlan["rules"] = [{ name: "usd", unit: "slots", amount: "10", window: { kind: "share" } }];
    const slots = plan("10", { rules });
    await serve(slots);
    const [one, two] = [asker("one"), asker("two")];
    await one.ask({ asks: [need(family("api"), 6)] });
    under.clock.advance(31_000);
    await two.ask({ asks: [need(family("api"), 4)] });
    await writeOffSilent(ports(), { limits: new Map([[uid, slots]]), hearingSinceMs: 0 });
    expect(committedOf(await known(accountNow("api")))).toBe(4n);
  });

  test("a record that has forgotten a grant holds still, hears its holders, and counts the unheard twice", async () => {
    await serve(plan("100"));
    const [one, two] = [asker("one"), asker("two")];
    await one.ask({ asks: [need(family("api"), 20)] });
    await two.ask({ asks: [need(family("api"), 10)] });
    // Of a grant that the record has no memory of.
    const forgotten = totals(family("api"), { granted: 50, settled: 5 });
    expect(await one.send(one.next({ totals: [forgotten] }))).toMatchObject({ kind: "epoch" });
    expect(under.log.lines).toContainEqual(
      expect.objectContaining({ level: "warn", fields: { why: "a holder was told more than the record remembers" } }),
    );
    const whole = await one.ask({ totals: [forgotten], whole: true });
    expect(whole.holdMs).toBeGreaterThan(0);
    const early = await one.ask({ totals: [forgotten], asks: [need(family("api"), 60)] });
    expect(early.leases).toMatchObject([{ granted: 50 }]);
    expect(await countThoseUnheard(ports())).toBe(false);

    under.clock.advance(epochHoldMs);
    const { store } = under;
    const overtaken: typeof store.writeLeases = async (changes, expected) =>
      changes.sessions.length === 0 && store.writeLeases(changes, expected);
    const isGranting = await countThoseUnheard({ ...ports(), store: { ...store, writeLeases: overtaken } });
    expect(isGranting, "as long as one is not counted").toBe(false);
    expect((await store.readLeases({ windows: [], sessions: [], accounts: [] })).epoch?.doubled).toBe(false);
    await expect.poll(() => countThoseUnheard(ports()), { timeout: 10_000 }).toBe(true);
    expect(committedOf(await known(accountNow("api"))), "50 told, and twice 10").toBe(70n);
    const late = await one.ask({ totals: [forgotten], asks: [need(family("api"), 70)] });
    expect(late.leases).toMatchObject([{ granted: 75 }]);
    expect(late.holdMs).toBe(0);
  });

  test("while the record can't be reached nobody is answered, and nobody's silence counts", async () => {
    let isAway = false;
    const readLeases: typeof under.store.readLeases = async (rows) => {
      if (isAway) throw new Error("no connection");
      return under.store.readLeases(rows);
    };
    const service = await serveFrom({ ...under.store, readLeases }, [plan("100")]);
    const one = asker("one");
    const before = service.hearingSinceMs;
    isAway = true;
    const request = one.next({ asks: [need(family("api"), 20)] });
    await expect(bus.requests("leases").ask(Buffer.from(JSON.stringify(request)), 500)).rejects.toThrow("not in time");
    expect(under.log.lines).toContainEqual(
      expect.objectContaining({ level: "error", message: "lease requests could not be answered" }),
    );
    under.clock.advance(60_000);
    isAway = false;
    expect(await one.send(request)).toMatchObject({ kind: "answered", leases: [{ granted: 20 }] });
    expect(service.hearingSinceMs).toBe(before + 60_000);
  });

  test("a silent session with many accounts is written off whole", async () => {
    await serve(plan("100"));
    const { memory, epoch } = await under.store.readLeases({ windows: [], sessions: [], accounts: [] });
    const session = `many-${uid}`;
    const lease = { granted: 9n, returned: 0n, settled: 4n, reserved: 5n, state: "Open" as const };
    const accounts = Array.from({ length: 1_234 }, (_, place) => ({
      ...{ id: accountId(family(`user-${place}`), 0), version: 0, endsAtMs: null, closed: 0n, carried: 0n },
      ...{ expiring: [], expired: 0n, leases: new Map([[session, lease]]), recalledAtMs: 0 },
    }));
    const holder = {
      ...{ session, version: 0, state: "Open" as const, secretHash: "", instanceName: "", incarnation: 1, sequence: 1 },
      ...{ digest: "", heardAtMs: under.clock.nowMs() - sessionLifeMs, epoch: epoch?.epoch ?? "" },
    };
    const changes = { sessions: [holder], windows: [], accounts };
    expect(await under.store.writeLeases(changes, { memory, epochVersion: epoch?.version ?? 0 })).toBe(true);
    await writeOffSilent(ports(), { limits: new Map([[uid, plan("100")]]), hearingSinceMs: 0 });
    const after = await under.store.listAccounts({ limits: [uid] });
    expect(new Set(after.map(({ leases }) => leases.get(session)?.state))).toEqual(new Set(["WrittenOff"]));
    const { sessions } = await under.store.readLeases({ windows: [], sessions: [session], accounts: [] });
    expect(sessions.get(session)?.state).toBe("Dead");
  });

  test("two who speak with one name are fenced both", async () => {
    await serve(plan("100"));
    const one = asker("one");
    await one.ask({ asks: [need(family("api"), 20)] });
    const clone = new LeaseAsker(bus, `${under.kind} ${uid} one`);
    expect(await clone.send(clone.next({ asks: [need(family("api"), 21)] }))).toMatchObject({ kind: "fenced" });
    expect(await one.send(one.next({}))).toMatchObject({ kind: "fenced" });
  });

  test("limits of a newer revision hold as soon as any replica has recorded it", async () => {
    const record = (amount: string) => {
      const empty = { format: 2, minReader: 1, gateways: [], providers: [], prices: {}, stops: [] };
      const snapshot = { ...empty, limits: [plan(amount)] };
      return under.store.recordRevision({ digest: uid + amount, snapshot, recordedAtMs: 1 });
    };
    const service = await serve();
    const { revision } = await record("100");
    await service.useLimits([plan("100")], revision);
    const one = asker("one");
    expect((await one.ask({ asks: [need(family("api"), 60)] })).leases).toMatchObject([{ granted: 60 }]);
    await record("70");
    const told = totals(family("api"), { granted: 60, reserved: 60 });
    expect((await one.ask({ totals: [told], asks: [need(family("api"), 20)] })).leases).toMatchObject([
      { granted: 60, amount: "70", shortage: "Reserved" },
    ]);
    // A replica that still has the older one to publish does not bring it back.
    await service.useLimits([plan("100")], revision);
    expect((await one.ask({ totals: [told], asks: [need(family("api"), 20)] })).leases).toMatchObject([
      { amount: "70" },
    ]);
  });

  test("a closed session leaves what it has settled", async () => {
    await serve(plan("100"));
    const one = asker("one");
    await one.ask({ asks: [need(family("api"), 20)] });
    await one.ask({ totals: [totals(family("api"), { granted: 20, settled: 7 })], closing: true });
    expect(await accountNow("api")).toMatchObject({ closed: 7n, leases: new Map() });
  });
});

async function known<Value>(found: Promise<Value | undefined>): Promise<Value> {
  const value = await found;
  if (value === undefined) throw new Error("not there");
  return value;
}
