import { accountId, leaseReply, leaseRequest } from "@sluice/contract";
import { expect, test } from "vitest";
import { budget, family, need, request, SmallRecord, totals } from "../../test/small-record.ts";
import { committedOf, countUnheard, endHold, giveBack, spentOf } from "../index.ts";

const id = accountId(family, 0);

test("a holder is granted what it needs, and told what is left", () => {
  const record = new SmallRecord(budget(100));
  const first = request("a", 1, { asks: [need(30)] });
  const reply = record.ask(first);
  expect(reply.leases[0]).toMatchObject({
    granted: 30,
    returned: 0,
    amount: "100",
    spent: "0",
    free: "70",
    beginsInMs: 0,
  });
  expect([leaseRequest.safeParse(first).success, leaseReply.safeParse(reply).success]).toEqual([true, true]);
});

test("what is wanted ahead is an equal part of half of what is free", () => {
  const record = new SmallRecord(budget(100));
  expect(record.ask(request("a", 1, { asks: [need(10, { want: 1_000 })] })).leases[0]?.granted).toBe(50);
  // Two are active now: half of the 50 that are free, in two parts.
  expect(record.ask(request("b", 1, { asks: [need(1, { want: 1_000 })] })).leases[0]?.granted).toBe(12);
});

test("the last unit is granted, and no more", () => {
  const record = new SmallRecord(budget(100));
  expect(record.ask(request("a", 1, { asks: [need(99)] })).leases[0]?.shortage).toBeUndefined();
  expect(record.ask(request("b", 1, { asks: [need(2)] })).leases[0]).toMatchObject({
    granted: 0,
    shortage: "Reserved",
  });
  expect(record.ask(request("b", 2, { asks: [need(1)] })).leases[0]).toMatchObject({ granted: 1, free: "0" });
});

test.for([
  ["settled", { settled: 95, reserved: 0 }, "Exhausted"],
  ["reserved by calls in flight", { settled: 5, reserved: 90 }, "Reserved"],
] as const)("what is short because it is %s is told apart", ([, told, shortage]) => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(95)] }));
  record.ask(request("a", 2, { leases: [totals(95, told)] }));
  expect(record.ask(request("b", 1, { asks: [need(10)] })).leases[0]?.shortage).toBe(shortage);
});

test("the same request again is granted nothing twice", () => {
  const record = new SmallRecord(budget(100));
  const first = request("a", 1, { asks: [need(30)] });
  const once = record.ask(first);
  expect(record.ask(first)).toEqual(once);
  expect(committedOf(record.accounts.get(id)!)).toBe(30n);
});

test("requests of one batch see each other's grants", () => {
  const record = new SmallRecord(budget(100));
  const { replies } = record.answer(...["a", "b", "c"].map((name) => request(name, 1, { asks: [need(40)] })));
  expect(replies.map((reply) => reply.kind === "answered" && reply.leases[0]?.shortage)).toEqual([
    undefined,
    undefined,
    "Reserved",
  ]);
});

test("a second text under one sequence fences both who speak with the name", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(30)] }));
  expect(record.reply(request("a", 1, { asks: [need(31)] })).kind).toBe("fenced");
  expect(record.reply(request("a", 2)).kind).toBe("fenced");
  expect(committedOf(record.accounts.get(id)!)).toBe(30n);
});

test("two that go on from one journal are told apart by the name of their process", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1));
  expect(record.reply(request("a", 1, { incarnation: 2, epoch: "epoch-1", process: "x" })).kind).toBe("answered");
  expect(record.reply(request("a", 1, { incarnation: 2, epoch: "epoch-1", process: "y" })).kind).toBe("fenced");
});

test("who knows less than was told in its name is fenced", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(30)] }));
  record.ask(request("a", 2, { leases: [totals(30, { settled: 20 })] }));
  const torn = request("a", 1, { incarnation: 2, epoch: "epoch-1", leases: [totals(30, { settled: 10 })] });
  expect(record.reply(torn).kind).toBe("fenced");
});

test("an older request, or an older process, is stale", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1));
  record.ask(request("a", 2));
  expect(record.reply(request("a", 1)).kind).toBe("stale");
  record.ask(request("a", 1, { incarnation: 2, epoch: "epoch-1" }));
  expect(record.reply(request("a", 3)).kind).toBe("stale");
});

test("a wrong secret is fenced, and its session goes on", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(30)] }));
  expect(record.reply(request("a", 2, { secret: "guessed", closing: true })).kind).toBe("fenced");
  expect(record.reply(request("a", 2)).kind).toBe("answered");
});

test("a successor from a complete journal goes on with the leases", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(60)] }));
  const says = { incarnation: 2, epoch: "epoch-1", leases: [totals(60, { settled: 50 })], asks: [need(40)] };
  expect(record.ask(request("a", 1, says)).leases[0]).toMatchObject({ granted: 90, spent: "50", free: "10" });
});

test("closing gives back all that is not settled", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(60)] }));
  const last = request("a", 2, { closing: true, whole: true, leases: [totals(60, { settled: 20 })] });
  expect(record.ask(last).leases).toEqual([]);
  expect(record.ask(last).leases).toEqual([]);
  expect([committedOf(record.accounts.get(id)!), spentOf(record.accounts.get(id)!)]).toEqual([20n, 20n]);
  expect(record.reply(request("a", 3)).kind).toBe("fenced");
});

test("an overrun counts, and nothing is granted until it fits again", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(90)] }));
  record.ask(request("a", 2, { leases: [totals(90, { settled: 120 })] }));
  expect(spentOf(record.accounts.get(id)!)).toBe(120n);
  expect(record.ask(request("b", 1, { asks: [need(1)] })).leases[0]).toMatchObject({
    shortage: "Exhausted",
    free: "0",
  });
});

test("a raised limit grants at once; a lowered one nothing, until committed is below it, and forgives nothing", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(100)] }));
  record.limits = new Map([["limit", budget(150)]]);
  expect(record.ask(request("b", 1, { asks: [need(20)] })).leases[0]?.granted).toBe(20);
  record.limits = new Map([["limit", budget(50)]]);
  expect(record.ask(request("b", 2, { asks: [need(30)], leases: [totals(20)] })).leases[0]).toMatchObject({
    granted: 20,
    free: "0",
  });
  record.ask(request("a", 2, { leases: [totals(100, { returned: 100 })] }));
  expect(record.ask(request("b", 3, { asks: [need(30)], leases: [totals(20)] })).leases[0]?.granted).toBe(30);
});

test("a deleted limit grants nothing and keeps its books", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(50)] }));
  record.limits = new Map();
  expect(record.ask(request("a", 2, { asks: [need(10)], leases: [totals(50, { settled: 7 })] })).leases).toHaveLength(
    1,
  );
  expect(spentOf(record.accounts.get(id)!)).toBe(7n);
});

test("the books of a limit that only warns are kept", () => {
  const record = new SmallRecord(budget(100, { kind: "lifetime" }, { mode: "Warn" }));
  record.ask(request("a", 1, { leases: [totals(0, { settled: 250, reserved: 9 })] }));
  expect(spentOf(record.accounts.get(id)!)).toBe(250n);
});

test("who is short has others recalled, at most once a second", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(100)] }));
  expect(record.answer(request("b", 1, { asks: [need(10)] })).recalls).toEqual([family]);
  expect(record.answer(request("b", 2, { asks: [need(10)] })).recalls).toEqual([]);
  expect(record.ask(request("a", 2, { leases: [totals(100)] })).recalls).toEqual([family]);
  record.nowMs += 1_000;
  expect(record.answer(request("b", 3, { asks: [need(10)] })).recalls).toEqual([family]);
});

test("what is granted to a call that waits is not recalled with the same answer", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(60)] }));
  expect(record.answer(request("b", 1, { asks: [need(50)] })).recalls).toEqual([family]);
  record.ask(request("a", 2, { leases: [totals(60, { returned: 60 })] }));
  expect(record.ask(request("b", 2, { asks: [need(50)] }))).toMatchObject({ leases: [{ granted: 50 }], recalls: [] });
  expect(record.ask(request("b", 3, { leases: [totals(50)] })).recalls).toEqual([family]);
});

test("nobody is recalled for what runs", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(100)] }));
  record.ask(request("a", 2, { leases: [totals(100, { reserved: 100 })] }));
  expect(record.answer(request("b", 1, { asks: [need(10)] })).recalls).toEqual([]);
});

test("values past the limit's maximum share an account", () => {
  const record = new SmallRecord(budget(100, { kind: "lifetime" }, { per: ["User"], accountsMax: 2 }));
  const asks = ["u1", "u2", "u3", "u4", "u1"].map((user) => need(10, { family: { ...family, values: [user] } }));
  const { leases } = record.ask(request("a", 1, { asks }));
  expect(leases.map((lease) => [lease.family.values[0], lease.asked?.values[0]])).toEqual([
    ...[
      ["u1", undefined],
      ["u2", undefined],
      ["(other)", "u3"],
      ["(other)", "u4"],
      ["u1", undefined],
    ],
  ]);
  expect(leases[3]?.free).toBe("90");
});

test("silence writes off, which changes no sum; its holder, or an operator, brings the rest back", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(60)] }));
  record.nowMs += 600_000;
  record.closeSilent();
  const account = record.accounts.get(id)!;
  expect([record.sessions.get("a")?.state, committedOf(account), spentOf(account)]).toEqual(["Dead", 60n, 60n]);
  expect(committedOf(giveBack(account, "a"))).toBe(0n);
  expect(record.ask(request("b", 1, { asks: [need(50)] })).leases[0]?.shortage).toBe("Exhausted");

  expect(record.reply(request("a", 2)).kind).toBe("epoch");
  record.ask(request("a", 3, { whole: true, leases: [totals(60, { settled: 5, returned: 55 })] }));
  expect(spentOf(record.accounts.get(id)!)).toBe(5n);
});

test("silence does not count while the record could not hear", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(60)] }));
  record.nowMs += 3_600_000;
  expect(record.closeSilent(record.nowMs - 1_000).sessions).toEqual([]);
});

test.for([
  ["slots", undefined, 30_000],
  ["a rate, whose last uses count for one length more", 5_000, 35_000],
] as const)("shares die with 30 s of silence: %s", ([, ms, silentMs]) => {
  const record = new SmallRecord(budget(10, { kind: "share", ...(ms === undefined ? {} : { ms }) }));
  record.ask(request("a", 1, { asks: [need(10)] }));
  record.nowMs += silentMs - 1;
  record.closeSilent();
  expect(record.ask(request("b", 1, { asks: [need(10)] })).leases[0]?.shortage).toBe("Reserved");
  record.nowMs += 1;
  record.closeSilent();
  expect(record.ask(request("b", 2, { asks: [need(10)] })).leases[0]?.granted).toBe(10);
});

test("a window's lease stays of its account when the window turns", () => {
  const record = new SmallRecord(budget(100, { kind: "tumbling", ms: 100_000 }));
  const [old, next] = [1_000_000, 1_100_000];
  expect(record.ask(request("a", 1, { asks: [need(100)] })).leases[0]).toMatchObject({
    window: old,
    endsInMs: 100_000,
  });
  record.nowMs = next;
  const says = { leases: [totals(100, { window: old, settled: 40, reserved: 60 })], asks: [need(100)] };
  const { leases } = record.ask(request("a", 2, says));
  expect(leases.map(({ window, granted, endsInMs }) => [window, granted, endsInMs])).toEqual([
    [old, 100, 0],
    [next, 100, 100_000],
  ]);
});

test("the next window's lease is granted before it begins", () => {
  const record = new SmallRecord(budget(100, { kind: "tumbling", ms: 100_000 }));
  record.ask(request("a", 1, { asks: [need(100)] }));
  const { leases } = record.ask(request("a", 2, { asks: [need(0, { at: "Next", want: 20 })] }));
  expect(leases[0]).toMatchObject({ window: 1_100_000, granted: 20, beginsInMs: 100_000, endsInMs: 200_000 });
});

test("a clock that goes back stays in the newest window", () => {
  const record = new SmallRecord(budget(100, { kind: "tumbling", ms: 100_000 }));
  record.nowMs = 1_100_000;
  record.ask(request("a", 1, { asks: [need(100)] }));
  record.nowMs -= 5_000;
  const reply = record.ask(request("b", 1, { asks: [need(1)] }));
  expect(reply.leases[0]).toMatchObject({ window: 1_100_000, beginsInMs: 0, endsInMs: 105_000, shortage: "Reserved" });
});

test("what was spent in a rolling window comes back one length after it was settled", () => {
  const record = new SmallRecord(budget(100, { kind: "rolling", ms: 10_000 }));
  record.ask(request("a", 1, { asks: [need(100)] }));
  record.ask(request("a", 2, { leases: [totals(100, { settled: 100 })] }));
  record.nowMs += 9_999;
  expect(record.ask(request("b", 1, { asks: [need(1)] })).leases[0]?.shortage).toBe("Exhausted");
  record.nowMs += 1;
  expect(record.ask(request("b", 2, { asks: [need(100)] })).leases[0]?.granted).toBe(100);
});

test("after a fail-over nothing is granted for 3 s, and who is not heard counts twice until it speaks", () => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(20)] }));
  record.ask(request("b", 1, { asks: [need(20)] }));
  record.epoch = { version: 2, epoch: "epoch-2", sinceMs: record.nowMs, doubled: false };

  expect(record.reply(request("a", 2, { leases: [totals(35)] }))).toMatchObject({ kind: "epoch", epoch: "epoch-2" });
  const whole = { epoch: "epoch-2", whole: true, leases: [totals(35)] };
  expect(record.ask(request("a", 3, whole))).toMatchObject({ holdMs: 3_000 });
  expect(committedOf(record.accounts.get(id)!)).toBe(55n);
  const held = record.ask(request("a", 4, { epoch: "epoch-2", leases: [totals(35)], asks: [need(40)] }));
  expect(held.leases[0]).toMatchObject({ granted: 35 });
  expect(held.leases[0]?.shortage).toBeUndefined();

  record.nowMs += 3_000;
  const all = { sessions: record.sessions.values(), accounts: record.accounts.values(), nowMs: record.nowMs };
  record.write(countUnheard({ epoch: record.epoch, ...all }));
  record.epoch = endHold(record.epoch, record.nowMs);
  expect(committedOf(record.accounts.get(id)!)).toBe(75n);

  record.ask(request("b", 3, { epoch: "epoch-2", whole: true, leases: [totals(22)] }));
  expect(committedOf(record.accounts.get(id)!)).toBe(57n);
});

test.for([
  ["a sequence that the record has not come to", request("a", 3)],
  ["a grant that it has not given", request("a", 2, { leases: [totals(31)] })],
  ["a session that it has never heard of", request("z", 2)],
] as const)("the record finds out that it has forgotten: by %s", ([, told]) => {
  const record = new SmallRecord(budget(100));
  record.ask(request("a", 1, { asks: [need(30)] }));
  expect(record.answer(told)).toEqual({
    ...{ replies: [], recalls: [], epochLost: true },
    changed: { sessions: [], windows: [], accounts: [] },
  });
});
