import { familyKey, type LeaseReply, type LimitPlan, type LimitWindow } from "@sluice/contract";
import { expect, test } from "vitest";
import { budget, need, request, SmallRecord, totals } from "../../test/small-record.ts";
import { type Admission, type Applied, Holder, type Identity, type Reservation } from "../index.ts";

const identity: Identity = { session: "a", incarnation: 1, secret: "secret of a", instanceName: "pod-a" };
const wall = 1_000_000;

/** A holder and its record, with one clock. */
class Pair {
  nowMs = 0;
  wallOffsetMs = wall;
  holder: Holder;
  readonly record: SmallRecord;
  readonly plan: LimitPlan;

  constructor(plan: LimitPlan, record = new SmallRecord(plan)) {
    this.plan = plan;
    this.record = record;
    this.holder = new Holder(identity, () => 0.5);
  }

  get moment(): { nowMs: number; wallMs: number } {
    return { nowMs: this.nowMs, wallMs: this.nowMs + this.wallOffsetMs };
  }

  by(values: string[] = []): Applied {
    const family = { limit: this.plan.uid, rule: "usd", values };
    return { plan: this.plan, rule: this.plan.rules[0]!, family, key: familyKey(family) };
  }

  admit(amount: number, values: string[] = []): Admission {
    return this.holder.admit([{ of: this.by(values), amount }], this.moment);
  }

  /** All that is to be told, until nothing is. */
  talk(): void {
    for (let request = this.holder.nextRequest(this.moment); request; request = this.holder.nextRequest(this.moment)) {
      this.record.nowMs = this.nowMs + wall;
      this.holder.onReply(this.record.reply(request), this.nowMs);
    }
  }

  /** As the pipeline does: what is not there yet is asked for. */
  take(amount: number, values: string[] = []): Reservation {
    let admission = this.admit(amount, values);
    if (admission.kind === "short") this.talk();
    if (admission.kind === "short") admission = this.admit(amount, values);
    if (admission.kind === "short") throw new Error(`short: ${admission.shortage}`);
    return admission.reservation;
  }

  pass(ms: number): void {
    for (const until = this.nowMs + ms; this.nowMs < until; ) {
      this.nowMs = Math.min(until, this.nowMs + 500);
      this.talk();
    }
  }

  get spent(): bigint {
    return this.holder.standing(familyKey({ limit: "limit", rule: "usd", values: [] }), this.nowMs)?.spent ?? 0n;
  }
}

function shortageOf(admission: Admission): string {
  return admission.kind === "short" ? admission.shortage : "reserved";
}

test("a call waits for the record's first word, and then runs on what was granted", () => {
  const pair = new Pair(budget(100));
  expect(shortageOf(pair.admit(40))).toBe("Unknown");
  pair.talk();
  expect(shortageOf(pair.admit(40))).toBe("reserved");
});

test("a call settles at its cost, once, and the rest is there for the next", () => {
  const pair = new Pair(budget(100));
  const reservation = pair.take(100);
  expect(pair.holder.settle(reservation, [30], 0)).toEqual([]);
  expect(pair.holder.settle(reservation, [30], 0)).toEqual([]);
  expect(shortageOf(pair.admit(71))).not.toBe("reserved");
  expect(shortageOf(pair.admit(70))).toBe("reserved");
});

test("64 calls that race for the last cent do not pass it", () => {
  const pair = new Pair(budget(10));
  pair.take(1);
  let admitted = 1;
  for (let call = 0; call < 64; call++) {
    if (shortageOf(pair.admit(1)) === "reserved") admitted += 1;
    pair.nowMs += 300;
    pair.talk();
  }
  expect(admitted).toBe(10);
});

test("all accounts of a call have room, or none is touched", () => {
  const [wide, narrow] = [budget(100), { ...budget(5), uid: "narrow" }];
  const pair = new Pair(wide, new SmallRecord(wide, narrow));
  const family = { limit: "narrow", rule: "usd", values: [] };
  const by = { plan: narrow, rule: narrow.rules[0]!, family, key: familyKey(family) };
  const wishes = [
    { of: pair.by(), amount: 10 },
    { of: by, amount: 10 },
  ];
  pair.holder.admit(wishes, pair.moment);
  pair.talk();
  const admission = pair.holder.admit(wishes, pair.moment);
  expect(admission).toMatchObject({ kind: "short", shortage: "Exhausted", of: { plan: { uid: "narrow" } } });
  expect(pair.holder.snapshot(pair.moment).leases.map((lease) => lease.reserved)).toEqual([0, 0]);
});

test("a bill beyond the worst case is an overrun, and counts in full", () => {
  const pair = new Pair(budget(100));
  const reservation = pair.take(60);
  const [overrun] = pair.holder.settle(reservation, [90], 0);
  expect(overrun).toMatchObject({ reserved: 60, cost: 90 });
  pair.pass(6_000);
  expect(pair.spent).toBe(90n);
  expect(shortageOf(pair.admit(11))).not.toBe("reserved");
});

test("a running call gets more room where there is some", () => {
  const pair = new Pair(budget(100));
  const reservation = pair.take(60);
  const more = { of: pair.by(), amount: 40, nowMs: 0 };
  expect(pair.holder.extend(reservation, more)).toBe(false);
  pair.talk();
  expect(pair.holder.extend(reservation, more)).toBe(true);
  expect(pair.holder.extend(reservation, more)).toBe(false);
  expect(pair.holder.settle(reservation, [100], 0)).toEqual([]);
});

test("callers who loop on an exhausted account cost the record nothing", () => {
  const pair = new Pair(budget(10));
  pair.holder.settle(pair.take(10), [10], 0);
  pair.admit(5);
  pair.talk();
  let asks = 0;
  for (let call = 0; call < 1_000; call++) {
    pair.nowMs += 10;
    // One call at a time waits for the record's word; the others have the last one.
    if (shortageOf(pair.admit(5)) === "Unknown") expect(shortageOf(pair.admit(5))).toBe("Exhausted");
    const request = pair.holder.nextRequest(pair.moment);
    if (request === undefined) continue;
    asks += request.asks.length;
    pair.holder.onReply(pair.record.reply(request), pair.nowMs);
  }
  // In 10 s: after one second, two more, four more.
  expect(asks).toBeLessThanOrEqual(4);
});

test("an account that was exhausted is asked for again when its window turns", () => {
  const pair = new Pair(budget(10, { kind: "tumbling", ms: 10_000 }));
  pair.holder.settle(pair.take(10), [10], 0);
  for (let call = 0; call < 9; call++) {
    pair.nowMs += 1_000;
    pair.admit(5);
    pair.talk();
  }
  expect(pair.admit(5)).toMatchObject({ shortage: "Exhausted", retryAfterMs: 1_000 });
  pair.nowMs = 10_000;
  expect(pair.take(10).holds[0]?.account).toBe("1010000@limit/usd");
});

test("what a call did not need goes back within seconds where calls are rare", () => {
  const pair = new Pair(budget(100));
  pair.holder.settle(pair.take(80), [10], 0);
  pair.pass(7_000);
  expect(pair.record.ask(request("b", 1, { asks: [need(90)] })).leases[0]?.granted).toBe(90);
});

test("a family in use is leased ahead, and given back after 30 s without use", () => {
  const pair = new Pair(budget(1_000_000));
  for (let call = 0; call < 50; call++) {
    pair.nowMs += 100;
    pair.holder.settle(pair.take(10), [10], pair.nowMs);
    pair.talk();
  }
  const [lease] = pair.holder.snapshot(pair.moment).leases;
  expect((lease?.granted ?? 0) - (lease?.settled ?? 0)).toBeGreaterThan(100);
  pair.pass(32_000);
  const [later] = pair.holder.snapshot(pair.moment).leases;
  expect((later?.granted ?? 0) - (later?.returned ?? 0) - (later?.settled ?? 0)).toBe(0);
});

test("a recall gives back at once what no call uses", () => {
  const pair = new Pair(budget(100));
  const reservation = pair.take(30);
  pair.take(70);
  pair.holder.settle(reservation, [5], 0);
  pair.holder.onRecall([pair.by().family], 0);
  expect(pair.holder.nextRequest(pair.moment)?.leases[0]).toMatchObject({
    granted: 100,
    returned: 25,
    settled: 5,
    reserved: 70,
  });
});

test("a part that is too small for the call that waits is given back: another may lack just that", () => {
  const pair = new Pair(budget(100));
  pair.record.ask(request("b", 1, { asks: [need(60)] }));
  pair.nowMs = 10_000;
  pair.holder.settle(pair.take(30), [0], pair.nowMs);
  expect(shortageOf(pair.admit(50))).toBe("Unknown");
  pair.talk();
  expect(shortageOf(pair.admit(50))).toBe("Reserved");
  pair.holder.onRecall([pair.by().family], pair.nowMs);
  expect(pair.holder.nextRequest(pair.moment)?.leases[0]).toMatchObject({ granted: 30, returned: 30 });
});

test("a call that needs less than one that was refused asks for itself", () => {
  const pair = new Pair(budget(100));
  pair.record.ask(request("b", 1, { asks: [need(60)] }));
  pair.record.ask(request("b", 2, { leases: [totals(60, { settled: 60 })] }));
  expect(shortageOf(pair.admit(50))).toBe("Unknown");
  const asked = pair.holder.nextRequest(pair.moment)!;
  expect(shortageOf(pair.admit(50))).toBe("Unknown");
  pair.record.nowMs = wall;
  pair.holder.onReply(pair.record.reply(asked), 0);
  expect(shortageOf(pair.admit(50))).toBe("Exhausted");
  expect(shortageOf(pair.admit(40))).toBe("Unknown");
  pair.nowMs += 300;
  pair.talk();
  expect(shortageOf(pair.admit(40))).toBe("reserved");
});

test("a request is told again word by word until it is answered", () => {
  const pair = new Pair(budget(100));
  pair.admit(40);
  const first = JSON.stringify(pair.holder.nextRequest(pair.moment));
  pair.holder.onNoAnswer();
  pair.nowMs += 5_000;
  pair.admit(60);
  expect(JSON.stringify(pair.holder.nextRequest(pair.moment))).toBe(first);
});

test.for([
  ["another sequence", { sequence: 2 }],
  ["another process of the session", { incarnation: 2 }],
] as const)("an answer to %s is none", ([, other]) => {
  const pair = new Pair(budget(100));
  pair.admit(40);
  pair.holder.nextRequest(pair.moment);
  const reply: LeaseReply = { kind: "stale", incarnation: 1, sequence: 1, ...other };
  expect(pair.holder.onReply(reply, 0)).toBeUndefined();
  expect(pair.holder.life).toBe("open");
});

test.for(["stale", "fenced"] as const)("who is answered %s has lost its name, and admits nothing more", (kind) => {
  const pair = new Pair(budget(100));
  pair.take(40);
  pair.nowMs += 10_000;
  pair.holder.nextRequest(pair.moment);
  pair.holder.onReply({ kind, incarnation: 1, sequence: 2 }, pair.nowMs);
  expect([pair.holder.life, shortageOf(pair.admit(1))]).toEqual(["fenced", "Unavailable"]);
  expect(pair.holder.nextRequest(pair.moment)).toBeUndefined();
});

test("after a new epoch everything is told again", () => {
  const pair = new Pair(budget(100));
  pair.take(40);
  pair.record.epoch = { version: 2, epoch: "epoch-2", sinceMs: wall, doubled: true };
  pair.record.accounts.clear();
  pair.record.sessions.clear();
  pair.pass(10_000);
  expect(pair.holder.epoch).toBe("epoch-2");
  expect(pair.record.accounts.get("0@limit/usd")?.leases.get("a")).toMatchObject({ granted: 40n, reserved: 40n });
});

test("cut off, leases go on until they are spent; then a Budget refuses, unless it lets pass", () => {
  for (const whenUnavailable of ["Refuse", "Allow"] as const) {
    const pair = new Pair(budget(100, { kind: "lifetime" }, { whenUnavailable }));
    pair.holder.settle(pair.take(50), [10], 0);
    pair.nowMs += 100;
    pair.holder.onNoAnswer();
    pair.nowMs += 3_600_000;
    const within = pair.admit(40);
    const beyond = pair.admit(40);
    expect(shortageOf(within)).toBe("reserved");
    expect(shortageOf(beyond)).toBe(whenUnavailable === "Allow" ? "reserved" : "Unavailable");
    if (beyond.kind === "reserved") expect(beyond.reservation.holds[0]?.isUngranted).toBe(true);
  }
});

test("a lease is spent until 1 % before its window ends, counted from when it was asked for", () => {
  const pair = new Pair(budget(100, { kind: "tumbling", ms: 1_000_000 }));
  pair.admit(40);
  const asked = pair.holder.nextRequest(pair.moment)!;
  const reply = pair.record.reply(asked);
  pair.nowMs += 5_000;
  pair.holder.onReply(reply, pair.nowMs);
  pair.nowMs = 989_999;
  expect(shortageOf(pair.admit(20))).toBe("reserved");
  pair.nowMs = 990_000;
  expect(shortageOf(pair.admit(20))).not.toBe("reserved");
});

test.for([
  ["after 24 s without an answer", (pair: Pair) => (pair.nowMs += 24_000)],
  ["when the wall clock has gone on alone: the process was suspended", (pair: Pair) => (pair.wallOffsetMs += 40_000)],
  ["when the wall clock is set back", (pair: Pair) => (pair.wallOffsetMs -= 2_001)],
] as const)("a share is not used %s", ([, happen]) => {
  const slots: LimitWindow = { kind: "share" };
  const pair = new Pair(budget(10, slots));
  pair.holder.settle(pair.take(1), [0], 0);
  expect(shortageOf(pair.admit(1))).toBe("reserved");
  happen(pair);
  expect(shortageOf(pair.admit(1))).not.toBe("reserved");
});

test("an answer that lay there while the process was suspended revives no share", () => {
  const pair = new Pair(budget(10, { kind: "share" }));
  pair.holder.settle(pair.take(1), [0], 0);
  pair.nowMs += 8_000;
  const reply = pair.record.reply(pair.holder.nextRequest(pair.moment)!);
  pair.wallOffsetMs += 40_000;
  pair.holder.nextRequest(pair.moment);
  pair.holder.onReply(reply, pair.nowMs);
  expect(shortageOf(pair.admit(1))).not.toBe("reserved");
});

test("cut off, a rate goes on with its last share where it says so", () => {
  const pair = new Pair(budget(3, { kind: "share", ms: 1_000 }, { whenUnavailable: "Allow" }));
  pair.take(1);
  pair.holder.onNoAnswer();
  pair.nowMs += 60_000;
  expect(shortageOf(pair.admit(1))).toBe("reserved");
  expect(shortageOf(pair.admit(1))).toBe("Unavailable");
});

test("a rate counts when a call begins, however long it runs", () => {
  const pair = new Pair(budget(1, { kind: "share", ms: 1_000 }));
  pair.take(1);
  pair.nowMs += 1_100;
  expect(shortageOf(pair.admit(1))).toBe("reserved");
});

test("a limit that warns admits all and keeps its books", () => {
  const pair = new Pair(budget(10, { kind: "lifetime" }, { mode: "Warn" }));
  for (let call = 0; call < 5; call++) pair.holder.settle(pair.take(100), [90], 0);
  pair.pass(6_000);
  expect(pair.spent).toBe(450n);
});

test("a successor goes on with the leases; calls that were running count at their worst", () => {
  const pair = new Pair(budget(100));
  pair.holder.settle(pair.take(40), [5], 0);
  pair.take(20);
  const snapshot = pair.holder.snapshot(pair.moment);
  pair.holder = Holder.restore({ ...identity, incarnation: 2 }, { snapshot, random: () => 0.5, ...pair.moment });
  // Before the record has spoken: the journal proves what is left.
  expect(shortageOf(pair.admit(10))).toBe("reserved");
  pair.pass(70_000);
  expect(pair.spent).toBe(25n);
});

test("a deleted limit's lease goes back, and its calls pass", () => {
  const pair = new Pair(budget(100));
  pair.take(50);
  pair.holder.useLimits(new Map());
  pair.nowMs += 2_000;
  pair.talk();
  expect(pair.record.accounts.get("0@limit/usd")?.leases.get("a")).toMatchObject({ granted: 50n, returned: 0n });
  expect(pair.holder.nextRequest(pair.moment)).toBeUndefined();
});

test("closing waits for running calls, says its last word, and is over", () => {
  const pair = new Pair(budget(100));
  const reservation = pair.take(60);
  pair.holder.close();
  expect(shortageOf(pair.admit(1))).toBe("Unavailable");
  pair.pass(1_000);
  expect(pair.holder.life).toBe("closing");
  pair.holder.settle(reservation, [20], pair.nowMs);
  pair.talk();
  expect(pair.holder.life).toBe("closed");
  expect(pair.record.ask(request("b", 1, { asks: [need(80)] })).leases[0]?.granted).toBe(80);
});

test("a call of a window that has ended settles into the account that admitted it", () => {
  const pair = new Pair(budget(100, { kind: "tumbling", ms: 10_000 }));
  const old = pair.take(100);
  pair.nowMs += 10_001;
  const young = pair.take(100);
  expect([old.holds[0]?.account, young.holds[0]?.account]).toEqual(["1000000@limit/usd", "1010000@limit/usd"]);
  pair.holder.settle(old, [100], pair.nowMs);
  expect(shortageOf(pair.admit(1))).not.toBe("reserved");
  pair.pass(3_000);
  expect(pair.record.accounts.get("1000000@limit/usd")?.leases.get("a")?.settled).toBe(100n);
});

test("values past the maximum are served from the account of the others", () => {
  const pair = new Pair(budget(100, { kind: "lifetime" }, { per: ["User"], accountsMax: 1 }));
  expect(pair.take(10, ["first"]).holds[0]?.account).toBe("0@limit/usd/first");
  expect(pair.take(10, ["second"]).holds[0]?.account).toBe("0@limit/usd/(other)");
  expect(pair.take(10, ["third"]).holds[0]?.account).toBe("0@limit/usd/(other)");
});
