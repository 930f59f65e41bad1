/** Which windows a holder believes again: none that it has forgotten, all others, whatever an edit leads to. */

import { type Family, familyKey, type LimitPlan, type LimitRule, type LimitWindow } from "@sluice/contract";
import { expect, test } from "vitest";
import { windowAt } from "../window.ts";
import { ForgottenWindows } from "./forgotten-windows.ts";
import { Holder } from "./holder.ts";

test("a forgotten window is not believed, one beside it is, earlier or later", () => {
  const forgotten = new ForgottenWindows();
  for (const window of [10, 30]) forgotten.add("rule", window);
  expect([10, 20, 30, 40].map((window) => forgotten.has("rule", window))).toEqual([true, false, true, false]);
  expect(forgotten.has("other", 10)).toBe(false);
  expect(forgotten.latest("rule")).toBe(30);
  expect([...forgotten.entries()]).toEqual([
    ["rule", 10],
    ["rule", 30],
  ]);
});

test("what has no window of its own is never forgotten", () => {
  const forgotten = new ForgottenWindows();
  forgotten.add("rule", 0);
  expect(forgotten.has("rule", 0)).toBe(false);
});

test("of more windows than are kept, nothing that is older than the kept ones is believed", () => {
  const forgotten = new ForgottenWindows();
  for (let window = 1; window <= 10_010; window++) forgotten.add("rule", 2 * window);
  expect([3, 20, 21, 22, 20_021].map((window) => forgotten.has("rule", window))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
});

const wallMs = Date.UTC(2026, 10, 24, 11, 30);
const family: Family = { limit: "u", rule: "usd", values: [] };
const calendar = (unit: "Day" | "Month"): LimitWindow => ({ kind: "calendar", unit, timezone: "UTC", startMonth: 1 });
const lifetime: LimitWindow = { kind: "lifetime" };

/** A holder, and a record that grants all that is asked for; totals of a session's leases are kept by window. */
class Conversation {
  readonly holder = new Holder({ session: "s", incarnation: 1, secret: "x", instanceName: "pod" }, () => 0.5);
  readonly #granted = new Map<number, number>();
  readonly #told = new Map<number, { returned: number; settled: number; reserved: number }>();
  #plan: LimitPlan = planOf(lifetime);
  #nowMs = 0;

  use(window: LimitWindow): void {
    this.#plan = planOf(window);
    this.holder.useLimits(new Map([["u", this.#plan]]));
  }

  /** Whether a call that costs `cost` is served. */
  call(cost: number): boolean {
    const of = { plan: this.#plan, rule: this.#plan.rules[0] as LimitRule, family, key: familyKey(family) };
    for (let tries = 0; tries < 30; tries++) {
      const taken = this.holder.admit([{ of, amount: cost }], { nowMs: this.#nowMs, wallMs: wallMs + this.#nowMs });
      if (taken.kind === "reserved") {
        this.holder.settle(taken.reservation, [cost], this.#nowMs);
        return true;
      }
      this.wait(100);
    }
    return false;
  }

  wait(ms: number): void {
    for (const until = this.#nowMs + ms; this.#nowMs < until; this.#nowMs += 100) this.#speak();
  }

  /** What may be spent of the account beyond what was. */
  get room(): number | undefined {
    return this.holder.standing(familyKey(family), this.#nowMs)?.room;
  }

  #speak(): void {
    const request = this.holder.nextRequest({ nowMs: this.#nowMs, wallMs: wallMs + this.#nowMs });
    if (request === undefined) return;
    const { startsAtMs, endsAtMs } = windowAt((this.#plan.rules[0] as LimitRule).window, wallMs + this.#nowMs);
    for (const lease of request.leases) this.#told.set(lease.window, lease);
    const windows = new Set(request.leases.map(({ window }) => window));
    for (const { need } of request.asks) {
      // As the record does: what was asked for comes last.
      windows.delete(startsAtMs);
      windows.add(startsAtMs);
      const { returned, settled, reserved } = this.#told.get(startsAtMs) ?? { returned: 0, settled: 0, reserved: 0 };
      const before = this.#granted.get(startsAtMs) ?? 0;
      this.#granted.set(startsAtMs, Math.max(before, returned + settled + reserved + need));
    }
    this.holder.onReply(
      {
        ...{ kind: "answered", incarnation: 1, sequence: request.sequence, epoch: "e", shareLifeMs: 30_000, holdMs: 0 },
        recalls: [],
        leases: [...windows].map((window) => ({
          ...{ family: { ...family, values: [] }, window, granted: this.#granted.get(window) ?? 0, beginsInMs: 0 },
          returned: this.#told.get(window)?.returned ?? 0,
          endsInMs: endOf(window, { startsAtMs, endsAtMs }, wallMs + this.#nowMs),
          ...{ amount: "1000000", spent: "0", free: "1000000" },
        })),
      },
      this.#nowMs,
    );
  }
}

function planOf(window: LimitWindow): LimitPlan {
  return {
    ...{ uid: "u", kind: "Budget", id: "ai/b", selector: {}, per: [], overrides: [], mode: "Enforce" },
    rules: [{ name: "usd", unit: "nanoUsd", amount: "1000000", window }],
    ...{ whenShort: "Reject", maxWaitMs: 0, whenUnavailable: "Refuse", accountsMax: 10 },
  };
}

/** An account keeps the end that it was opened with. */
function endOf(window: number, current: { startsAtMs: number; endsAtMs: number | null }, nowMs: number): number | null {
  if (window === 0) return null;
  const endsAtMs = window === current.startsAtMs ? current.endsAtMs : windowAt(calendar("Day"), window).endsAtMs;
  return endsAtMs === null ? null : Math.max(0, endsAtMs - nowMs);
}

test.for([
  ["a window that began earlier", [calendar("Day"), calendar("Month")]],
  ["the window of before", [calendar("Day"), calendar("Month"), calendar("Day")]],
  ["no window and back", [lifetime, calendar("Day"), lifetime]],
] as const)("calls are served after an edit to %s, and nothing is spent twice", ([, windows]) => {
  const talk = new Conversation();
  for (const window of windows) {
    talk.use(window);
    expect(talk.call(10)).toBe(true);
    expect(talk.call(10)).toBe(true);
    talk.wait(3_000);
    // What was granted and not settled: a lease that is taken as new would have its old costs to spend again.
    expect(talk.room).toBeLessThan(20);
  }
});
