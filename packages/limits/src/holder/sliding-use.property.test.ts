import fc from "fast-check";
import { expect, test } from "vitest";
import { SlidingUse } from "./sliding-use.ts";

test("no interval of the length holds more than the share, wherever it begins", () => {
  const steps = fc.array(
    fc.record({ afterMs: fc.integer({ min: 0, max: 700 }), amount: fc.integer({ min: 1, max: 5 }) }),
    {
      maxLength: 200,
    },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 5, max: 20 }), (uses, share) => {
      const use = new SlidingUse(1_000);
      const taken: { atMs: number; amount: number }[] = [];
      let nowMs = 0;
      for (const { afterMs, amount } of uses) {
        nowMs += afterMs;
        if (use.usedAt(nowMs) + amount > share) continue;
        use.add(amount, nowMs);
        taken.push({ atMs: nowMs, amount });
        const last = taken.filter(({ atMs }) => atMs > nowMs - 1_000);
        expect(last.reduce((sum, one) => sum + one.amount, 0)).toBeLessThanOrEqual(share);
      }
    }),
  );
});

test("all of it is free again one length and a sixteenth later", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 16, max: 60_000 }), (nowMs, lengthMs) => {
      const use = new SlidingUse(lengthMs);
      use.add(7, nowMs);
      expect(use.usedAt(nowMs + lengthMs - 1)).toBe(7);
      expect(use.usedAt(nowMs + lengthMs + Math.ceil(lengthMs / 16))).toBe(0);
    }),
  );
});

test("what was booked and not used comes back, unless it counts no more", () => {
  const use = new SlidingUse(1_000);
  const part = use.add(10, 0);
  use.refund(4, part, 500);
  expect(use.usedAt(500)).toBe(6);
  expect(use.usedAt(5_000)).toBe(0);
  use.refund(6, part, 5_000);
  expect(use.usedAt(5_000)).toBe(0);
});
