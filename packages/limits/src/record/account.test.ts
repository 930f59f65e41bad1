import fc from "fast-check";
import { expect, test } from "vitest";
import {
  adjust,
  carryOver,
  committedOf,
  emptyAccount,
  expire,
  raiseTo,
  spentOf,
  withExpiring,
  withLease,
} from "./account.ts";
import type { AccountState, LeaseState } from "./record-state.ts";

const lease: LeaseState = { granted: 50n, returned: 10n, settled: 15n, reserved: 5n, state: "Open" };

function account(more: Partial<AccountState> = {}): AccountState {
  return { ...emptyAccount("0@limit/usd", null), ...more };
}

test("what is committed is what leases hold, what is closed, and what was carried over; an overrun counts in full", () => {
  const two = withLease(withLease(account({ closed: 7n, carried: 3n }), "a", lease), "b", { ...lease, settled: 60n });
  expect(committedOf(two)).toBe(7n + 3n + 40n + 60n);
  expect(spentOf(two)).toBe(7n + 3n + 15n + 60n);
});

test("writing off makes spent of what was committed", () => {
  const open = withLease(account(), "a", lease);
  const written = withLease(account(), "a", { ...lease, state: "WrittenOff" });
  expect([committedOf(written), spentOf(written)]).toEqual([committedOf(open), committedOf(open)]);
});

test.for([
  ["adds", 5n, 20n],
  ["takes", -5n, 10n],
  ["never takes more than was spent", -500n, 0n],
] as const)("a correction %s", ([, delta, spent]) => {
  expect(spentOf(adjust(withLease(account(), "a", lease), delta))).toBe(spent);
});

test("an edit of the selector raises to the ledger's history and lowers nothing", () => {
  const known = account({ closed: 20n });
  expect(spentOf(raiseTo(known, 30n))).toBe(30n);
  expect(spentOf(raiseTo(known, 10n))).toBe(20n);
});

test("an edit of `per` takes over the history and all that is not settled on the accounts before", () => {
  const before = withLease(account({ closed: 100n }), "a", lease);
  expect(spentOf(carryOver(account({ id: "0@limit/usd/x" }), 70n, [before]))).toBe(70n + 25n);
});

test("a rolling window never counts less than what was settled within its length, however much is merged", () => {
  const uses = fc.array(
    fc.record({ afterMs: fc.integer({ min: 0, max: 500 }), amount: fc.bigInt({ min: 1n, max: 9n }) }),
    {
      maxLength: 300,
    },
  );
  fc.assert(
    fc.property(uses, (settled) => {
      let [state, nowMs] = [account(), 0];
      const truth: { untilMs: number; amount: bigint }[] = [];
      for (const { afterMs, amount } of settled) {
        nowMs += afterMs;
        truth.push({ untilMs: nowMs + 10_000, amount });
        state = withExpiring({ ...state, closed: state.closed + amount }, nowMs + 10_000, amount);
        state = expire(state, nowMs);
        const counts = truth.filter(({ untilMs }) => untilMs > nowMs).reduce((sum, one) => sum + one.amount, 0n);
        expect(spentOf(state)).toBeGreaterThanOrEqual(counts);
        expect(state.expiring.length).toBeLessThanOrEqual(64);
      }
      expect(spentOf(expire(state, nowMs + 10_000))).toBe(0n);
    }),
  );
});
