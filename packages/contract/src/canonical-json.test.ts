import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

test("the order in which keys were set makes no difference, and the value stays", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).reverse());
      expect(canonicalJson(turned)).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("members without a value are left out, and a list keeps its order", () => {
  expect(canonicalJson({ b: undefined, a: [3, 1], __proto__x: { d: 1, c: 2 } })).toBe(
    '{"__proto__x":{"c":2,"d":1},"a":[3,1]}',
  );
});
