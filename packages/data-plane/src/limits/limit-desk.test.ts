import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { familyKey, type LimitPlan } from "@sluice/contract";
import { Holder } from "@sluice/limits";
import { afterEach, expect, test, vi } from "vitest";
import { limitPlan } from "../../test/gateway.ts";
import { MemoryRecord } from "../../test/memory-record.ts";
import { createExchange, type Exchange } from "../exchange.ts";
import { Journal } from "../journal/journal.ts";
import { newBill } from "./bill.ts";
import { LimitDesk, type Reserved } from "./limit-desk.ts";

const dollars = limitPlan("dollars", [{ unit: "nanoUsd", amount: "1000" }]);
const calls = limitPlan("calls", [{ unit: "requests", amount: "100" }]);

afterEach(() => void vi.useRealTimers());

/** A desk with a real holder, journal and record, and a clock that stands until it is pushed. */
function desk(limits: LimitPlan[]) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-desk-"));
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const { journal } = Journal.open({ folder, bootId: "boot", owner: "test", log });
  journal.begin({ session: "s", incarnation: 1, secret: "x", instance: "i" });
  const record = new MemoryRecord();
  record.useLimits(limits);
  const begin = (session: string) =>
    new Holder({ session, incarnation: 1, secret: "x", instanceName: "test" }, () => 0.5);
  const state = { nowMs: 1_000, holder: begin("s"), attempts: 0 };
  const wallMs = 1_700_000_000_000;
  const moment = () => ({ nowMs: state.nowMs, wallMs: wallMs + state.nowMs });
  const made = new LimitDesk({
    ...{ holder: () => state.holder, journal, moment, log, onShort: () => undefined, spoolState: () => "ok" },
  });
  const rule = (plan: LimitPlan) => {
    const family = { limit: plan.uid, rule: plan.rules[0]?.name ?? "", values: [] };
    return { plan, rule: plan.rules[0] as LimitPlan["rules"][0], family, key: familyKey(family) };
  };
  return {
    desk: made,
    ...{ journal, record, state, begin },
    /** Tells and asks until nothing is left to say. */
    pump() {
      for (let request = state.holder.nextRequest(moment()); request !== undefined; ) {
        state.holder.onReply(record.answer(request, wallMs + state.nowMs).reply, state.nowMs);
        request = state.holder.nextRequest(moment());
      }
    },
    reserve(
      exchange: Exchange,
      amounts: { plan: LimitPlan; amount: number }[],
      callPlans: LimitPlan[] = [],
      key = "k",
    ) {
      exchange.bill ??= newBill();
      return made.reserve({
        ...{ attempt: `${exchange.id}.${exchange.attempts + 1}`, key, price: undefined, worst: undefined, exchange },
        wishes: amounts.map(({ plan, amount }) => ({ of: rule(plan), amount })),
        callWishes: callPlans.map((plan) => ({ of: rule(plan), amount: 1 })),
      });
    },
    [Symbol.dispose]() {
      made[Symbol.dispose]();
      journal[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function exchangeOf(id: string): Exchange {
  const incoming = {} as IncomingMessage;
  const outgoing = { headersSent: false } as ServerResponse;
  return createExchange({ ...{ id, incoming, outgoing, runtime: undefined }, startedAtMs: 1, startedAt: 1 });
}

type Held = Extract<Reserved, { kind: "held" }>;

/** Waits for the record's word where there was no room yet. */
async function held(taken: Reserved | Promise<Reserved>, shop: ReturnType<typeof desk>): Promise<Held> {
  if (taken instanceof Promise) {
    shop.pump();
    shop.desk.serveWaiting();
  }
  const outcome = await taken;
  if (outcome.kind !== "held") throw new Error(`not held but ${outcome.kind}`);
  return outcome;
}

function finish(
  shop: ReturnType<typeof desk>,
  exchange: Exchange,
  ended?: { hold: Held["hold"]; costs: number[] },
): void {
  shop.desk.finish(ended, { exchange, event: { seq: 1, members: '"requestId":"e"' } });
}

test("an exchange of several attempts leaves nothing open in the journal, and its calls are held between them", async () => {
  using shop = desk([dollars, calls]);
  const exchange = exchangeOf("e");
  const first = await held(shop.reserve(exchange, [{ plan: dollars, amount: 100 }], [calls]), shop);
  if (first.callHold !== undefined) exchange.callHolds = [first.callHold];
  exchange.attempts = 1;
  shop.desk.settle(first.hold, [30], exchange);
  expect([...shop.journal.state.open].map(({ attempt, holds }) => [attempt, holds])).toEqual([
    ["e", [["0@calls/requests", 1]]],
  ]);

  const second = await held(shop.reserve(exchange, [{ plan: dollars, amount: 100 }]), shop);
  expect([...shop.journal.state.open].map(({ attempt }) => attempt)).toEqual(["e", "e.2"]);
  exchange.attempts = 2;
  finish(shop, exchange, { hold: second.hold, costs: [20] });
  expect([...shop.journal.state.open]).toEqual([]);
  const settled = [...shop.journal.state.leases].map(({ key, settled }) => [key, settled]);
  expect(settled).toEqual(
    expect.arrayContaining([
      ["0@dollars/nanoUsd", 50],
      ["0@calls/requests", 1],
    ]),
  );
});

test("an exchange that ends between two attempts leaves nothing open either", async () => {
  using shop = desk([dollars]);
  const exchange = exchangeOf("e");
  const { hold } = await held(shop.reserve(exchange, [{ plan: dollars, amount: 100 }]), shop);
  exchange.attempts = 1;
  shop.desk.settle(hold, [30], exchange);
  finish(shop, exchange);
  expect([...shop.journal.state.open]).toEqual([]);
});

test("what one session has reserved is settled with it, and takes nothing off the next one's leases", async () => {
  using shop = desk([dollars]);
  const [old, next] = [exchangeOf("old"), exchangeOf("next")];
  const before = await held(shop.reserve(old, [{ plan: dollars, amount: 100 }]), shop);
  shop.state.holder = shop.begin("another");
  const after = await held(shop.reserve(next, [{ plan: dollars, amount: 100 }]), shop);
  const reserved = () => shop.state.holder.snapshot({ nowMs: 0, wallMs: 0 }).leases[0]?.reserved;
  expect(reserved()).toBe(100);
  finish(shop, old, { hold: before.hold, costs: [60] });
  expect(reserved()).toBe(100);
  finish(shop, next, { hold: after.hold, costs: [10] });
  expect(reserved()).toBe(0);
});

test("room that comes with time alone is given in turn, key by key", async () => {
  vi.useFakeTimers();
  const rate = limitPlan("rate", [{ unit: "requests", amount: "2", window: { kind: "share", ms: 1_000 } }]);
  using shop = desk([rate]);
  const served: string[] = [];
  const call = (name: string, key: string) => {
    const taken = shop.reserve(exchangeOf(name), [], [rate], key);
    if (taken instanceof Promise) void taken.then(() => served.push(name));
    else served.push(name);
  };
  call("loud1", "loud");
  shop.pump();
  shop.desk.serveWaiting();
  call("loud2", "loud");
  shop.pump();
  shop.desk.serveWaiting();
  await vi.advanceTimersByTimeAsync(0);
  expect(served).toEqual(["loud1", "loud2"]);
  for (const [name, key] of [
    ["loud3", "loud"],
    ["loud4", "loud"],
    ["loud5", "loud"],
    ["quiet1", "quiet"],
  ] as const)
    call(name, key);
  shop.pump();
  // The rate's length later both are there again.
  shop.state.nowMs += 1_100;
  await vi.advanceTimersByTimeAsync(60);
  expect(served.slice(2)).toEqual(["loud3", "quiet1"]);
});

test("nobody waits for an account that is used up, or for longer than its limit says", async () => {
  vi.useFakeTimers();
  const patient = { ...dollars, maxWaitMs: 400 };
  using shop = desk([patient]);
  const first = await held(shop.reserve(exchangeOf("first"), [{ plan: patient, amount: 800 }]), shop);
  const waiting = shop.reserve(exchangeOf("second"), [{ plan: patient, amount: 800 }]);
  shop.pump();
  shop.desk.serveWaiting();
  for (let waitedMs = 0; waitedMs <= 450; waitedMs += 50) {
    shop.state.nowMs += 50;
    await vi.advanceTimersByTimeAsync(50);
    shop.pump();
  }
  expect(await waiting).toMatchObject({ kind: "short", shortage: "Reserved", amount: 800 });

  finish(shop, exchangeOf("first"), { hold: first.hold, costs: [700] });
  shop.state.nowMs += 1_500;
  shop.pump();
  const third = shop.reserve(exchangeOf("third"), [{ plan: patient, amount: 800 }]);
  shop.pump();
  shop.desk.serveWaiting();
  expect(await third).toMatchObject({ kind: "short", shortage: "Exhausted" });
  const fourth = shop.reserve(exchangeOf("fourth"), [{ plan: patient, amount: 800 }]);
  expect(fourth).toMatchObject({ kind: "short", shortage: "Exhausted" });
});
