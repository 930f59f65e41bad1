/** What a start goes on with after a kill, together with the holder that it makes of it. */

import { accountId, familyKey, type LeaseReply, type LimitPlan, type LimitRule } from "@sluice/contract";
import { Holder } from "@sluice/limits";
import { expect, test } from "vitest";
import type { Recovered } from "../journal/recover.ts";
import { takeOver } from "./take-over.ts";

const wallMs = 1_763_980_200_000;
const dayMs = 86_400_000;
const window = Math.floor(wallMs / dayMs) * dayMs;
const rule: LimitRule = { name: "usd", unit: "nanoUsd", amount: "1000", window: { kind: "tumbling", ms: dayMs } };
const plan: LimitPlan = {
  ...{ uid: "u", kind: "Budget", id: "ai/daily", selector: {}, per: ["Service"], rules: [rule], overrides: [] },
  ...{ mode: "Enforce", whenShort: "Reject", maxWaitMs: 0, whenUnavailable: "Refuse", accountsMax: 10 },
};
const family = { limit: "u", rule: "usd", values: ["api"] };
const applied = { plan, rule, family, key: familyKey(family) };

/** A process was killed with a call of 100 under way, and 50 of its lease of 300 settled. */
const killed: Recovered = {
  ...{ complete: true, flaws: [], closed: false, events: [], lastEventSeq: 0 },
  head: {
    kind: "head",
    session: "s",
    incarnation: 1,
    secret: "x",
    instance: "i",
    bootId: "boot",
    owner: "pod",
  } as never,
  leases: [{ key: accountId(family, window), granted: 300, returned: 0, settled: 50 }],
  open: [
    { attempt: "e.1", exchange: '"requestId":"e"', holds: [[accountId(family, window), 100]], worst: {} },
  ] as never,
};

function restored(): Holder {
  const { session } = takeOver(killed, { instanceName: "pod", wallMs });
  if (session === undefined) throw new Error("a complete journal is gone on from");
  const holder = Holder.restore(session.identity, { snapshot: session.snapshot, random: () => 0.5, nowMs: 0, wallMs });
  holder.useLimits(new Map([[plan.uid, plan]]));
  return holder;
}

/** Tells and hears what is due at this moment; the record grants what is asked for. */
function speak(holder: Holder, nowMs: number): void {
  const request = holder.nextRequest({ nowMs, wallMs: wallMs + nowMs });
  if (request === undefined) return;
  const told = request.leases.find((lease) => lease.window === window);
  const need = request.asks[0]?.need ?? 0;
  const { settled = 150, returned = 0, reserved = 0 } = told ?? {};
  const granted = Math.max(300, returned + settled + reserved + need);
  const lease = { family, window, granted, returned, beginsInMs: 0, endsInMs: window + dayMs - wallMs - nowMs };
  const reply: LeaseReply = {
    ...{ kind: "answered", incarnation: request.incarnation, sequence: request.sequence, epoch: "e" },
    ...{ shareLifeMs: 30_000, holdMs: 0, recalls: [] },
    leases: [{ ...lease, amount: "1000", spent: "150", free: String(1_000 - granted) }],
  };
  holder.onReply(reply, nowMs);
}

test("what was under way when a process was killed is settled at its worst", () => {
  const request = restored().nextRequest({ nowMs: 0, wallMs });
  expect(request?.leases).toEqual([{ family, window, granted: 300, returned: 0, settled: 150, reserved: 0 }]);
});

test("nothing is spent of a taken over lease before the record has spoken of it", () => {
  expect(restored().admit([{ of: applied, amount: 10 }], { nowMs: 0, wallMs })).toMatchObject({ kind: "short" });
});

test.for([
  ["at once", 0],
  ["seconds later", 5_000],
  ["after what was left has gone back", 60_000],
] as const)("calls of the same account and window are served %s", ([, afterMs]) => {
  const holder = restored();
  for (let nowMs = 0; nowMs <= afterMs; nowMs += 500) speak(holder, nowMs);
  let taken = holder.admit([{ of: applied, amount: 10 }], { nowMs: afterMs, wallMs: wallMs + afterMs });
  for (let nowMs = afterMs; taken.kind === "short" && nowMs < afterMs + 2_000; nowMs += 100) {
    speak(holder, nowMs);
    taken = holder.admit([{ of: applied, amount: 10 }], { nowMs, wallMs: wallMs + nowMs });
  }
  expect(taken.kind).toBe("reserved");
});
