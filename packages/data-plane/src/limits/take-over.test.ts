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

type Reserve = Recovered["open"][number];

function reserve(attempt: string, rest: Partial<Reserve>): Reserve {
  const exchange = `"requestId":"${attempt.split(".")[0]}","attempts":${attempt.split(".")[1] ?? 1}`;
  return { kind: "reserve", attempt, exchange, holds: [], worst: {}, ...rest };
}
const usd = "0@dollars/usd";
const calls = "0@calls/requests";

test.for<[string, Reserve[], object[]]>([
  ["nothing under way", [], []],
  [
    "a call at its first attempt: at its worst",
    [
      reserve("a.1", {
        ...{
          holds: [
            [usd, 100],
            [calls, 1],
          ],
          worst: { costNanoUsd: 30, heldNanoUsd: 70, price: "p" },
        },
      }),
    ],
    [
      {
        ...{ requestId: "a", attempts: 1, costNanoUsd: 30, heldNanoUsd: 70, price: "p" },
        charges: [
          [usd, 100],
          [calls, 1],
        ],
      },
    ],
  ],
  [
    "a call at its second attempt: what the first was charged, and the worst of the second, each once",
    [
      reserve("a", { holds: [[calls, 1]], worst: { costNanoUsd: 5 }, charged: [[usd, 5]] }),
      reserve("a.2", {
        ...{ holds: [[usd, 100]], worst: { costNanoUsd: 35, heldNanoUsd: 70, price: "p" }, charged: [[usd, 5]] },
      }),
    ],
    [
      {
        ...{ requestId: "a", attempts: 2, costNanoUsd: 35, heldNanoUsd: 70, price: "p" },
        charges: [
          [calls, 1],
          [usd, 105],
        ],
      },
    ],
  ],
  [
    "a call between two attempts: what the first was charged",
    [reserve("a", { holds: [[calls, 1]], worst: { costNanoUsd: 5, heldNanoUsd: 2 }, charged: [[usd, 7]] })],
    [
      {
        requestId: "a",
        attempts: 1,
        costNanoUsd: 5,
        heldNanoUsd: 2,
        charges: [
          [calls, 1],
          [usd, 7],
        ],
      },
    ],
  ],
  [
    "several calls: an event each",
    [reserve("a.1", { holds: [[usd, 1]], worst: { costNanoUsd: 1 } }), reserve("b.1", { worst: { costNanoUsd: 2 } })],
    [
      { requestId: "a", attempts: 1, costNanoUsd: 1, charges: [[usd, 1]] },
      { requestId: "b", attempts: 1, costNanoUsd: 2 },
    ],
  ],
])("events of killed calls: %s", ([, open, expected]) => {
  const { events } = takeOver({ ...killed, open }, { instanceName: "pod", wallMs });
  expect(events?.killed.map((members) => JSON.parse(`{${members}}`))).toEqual(
    expected.map((event) => ({ estimated: true, billingReason: "ProcessKilled", ...event })),
  );
});

test("a journal that proves too little begins a new session, and its calls have their events all the same", () => {
  const { session, events } = takeOver(
    { ...killed, complete: false, flaws: ["torn"] },
    { instanceName: "pod", wallMs },
  );
  expect(session).toBeUndefined();
  expect(events?.killed).toHaveLength(1);
});

test("a session that has given all back is not gone on with; one whose last word nobody heard is", () => {
  const ended = { ...killed, closed: true, open: [] };
  expect(takeOver({ ...ended, leases: [] }, { instanceName: "pod", wallMs }).session).toBeUndefined();
  expect(takeOver(ended, { instanceName: "pod", wallMs }).session?.identity.incarnation).toBe(2);
});

test("of a journal without a head nothing is made", () => {
  const found = takeOver({ ...killed, head: undefined }, { instanceName: "pod", wallMs });
  expect(found).toEqual({ session: undefined, events: undefined });
});

test("a successor goes on under the next incarnation, and numbers under the name of the killed process", () => {
  const { session, events } = takeOver(killed, { instanceName: "new pod", wallMs });
  expect(session?.identity).toEqual({ session: "s", secret: "x", incarnation: 2, instanceName: "new pod" });
  expect(events?.instance).toBe("i");
});
