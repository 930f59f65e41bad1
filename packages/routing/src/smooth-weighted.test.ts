import fc from "fast-check";
import { expect, test } from "vitest";
import { createWeightedState, nextWeighted } from "./smooth-weighted.ts";

test("over a hundred calls ninety go to the target of weight ninety, never eleven in a row elsewhere", () => {
  const state = createWeightedState([90, 10]);
  const taken = Array.from({ length: 100 }, () => nextWeighted(state, () => true));
  expect(taken.filter((index) => index === 0)).toHaveLength(90);
  expect(taken.join("")).not.toContain("11");
});

test("any run as long as the sum of the weights gives each target exactly its weight", () => {
  const weights = fc
    .array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 6 })
    .filter((all) => all.some((weight) => weight > 0));
  fc.assert(
    fc.property(weights, fc.integer({ min: 0, max: 3 }), (all, rounds) => {
      const state = createWeightedState(all);
      const sum = all.reduce((total, weight) => total + weight, 0);
      for (let call = 0; call < sum * rounds; call++) nextWeighted(state, () => true);
      const taken = all.map(() => 0);
      for (let call = 0; call < sum; call++) {
        const index = nextWeighted(state, () => true);
        taken[index] = (taken[index] as number) + 1;
      }
      expect(taken).toEqual(all);
    }),
  );
});

test("a target of weight zero is taken only when no other is eligible", () => {
  const state = createWeightedState([0, 5]);
  expect(nextWeighted(state, () => true)).toBe(1);
  expect(nextWeighted(state, (index) => index === 0)).toBe(0);
  expect(nextWeighted(state, () => false)).toBe(-1);
});
