import { expect, test } from "vitest";
import { createTierStates, TargetOrder } from "./target-order.ts";

const tiers = [[{ weight: 1 }, { weight: 1 }], [{ weight: 1 }]];

test("a tier is exhausted before the next is tried, and then the first comes again", () => {
  const order = new TargetOrder(createTierStates(tiers), () => true);
  expect([order.next(), order.next(), order.next()].map((pick) => `${pick?.tier}/${pick?.index}`)).toEqual([
    "0/0",
    "0/1",
    "1/0",
  ]);
  expect(order.hasUntried()).toBe(false);
  expect(order.next()).toMatchObject({ tier: 0, again: true });
});

test("a target that this exchange may not use is never given", () => {
  const order = new TargetOrder(createTierStates(tiers), (tier) => tier === 1);
  expect(order.next()).toEqual({ tier: 1, index: 0, again: false });
  expect(order.next()).toEqual({ tier: 1, index: 0, again: true });
  expect(new TargetOrder(createTierStates(tiers), () => false).next()).toBeUndefined();
});
