import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonPatch, mergePatch } from "./patch.ts";
import { StatusError } from "./status-error.ts";

// RFC 7386, appendix A.
test.for([
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
] as const)("merging %j and %j gives %j", ([target, patch, expected]) => {
  expect(mergePatch(target, patch)).toEqual(expected);
});

test.for([
  [{ a: 1 }, [{ op: "add", path: "/b", value: 2 }], { a: 1, b: 2 }],
  [{ a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
  [{ a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
  [{ a: [1, 2] }, [{ op: "remove", path: "/a/0" }], { a: [2] }],
  [{ a: 1 }, [{ op: "replace", path: "/a", value: null }], { a: null }],
  [{ a: { b: 1 } }, [{ op: "move", from: "/a/b", path: "/c" }], { a: {}, c: 1 }],
  [{ a: { b: 1 } }, [{ op: "copy", from: "/a", path: "/c" }], { a: { b: 1 }, c: { b: 1 } }],
  [
    { "a/b": 1, "m~n": 2 },
    [
      { op: "remove", path: "/a~1b" },
      { op: "replace", path: "/m~0n", value: 3 },
    ],
    { "m~n": 3 },
  ],
  [{ a: { x: 1, y: 2 } }, [{ op: "test", path: "/a", value: { y: 2, x: 1 } }], { a: { x: 1, y: 2 } }],
] as const)("%j patched by %j is %j", ([target, operations, expected]) => {
  expect(jsonPatch(target, operations)).toEqual(expected);
});

test.for([
  [{ op: "remove", path: "/none" }],
  [{ op: "replace", path: "/none", value: 1 }],
  [{ op: "add", path: "/list/7", value: 1 }],
  [{ op: "add", path: "/list/01", value: 1 }],
  [{ op: "test", path: "/list", value: [] }],
  [{ op: "move", from: "/list", path: "/list/0" }],
  [{ op: "add", path: "list", value: 1 }],
  [{ op: "eval", path: "/list" }],
  [{ op: "replace", path: "/constructor/prototype", value: 1 }],
  [5],
])("the operation %j is refused and harms nothing", ([operation]) => {
  const target = { list: [1] };
  expect(() => jsonPatch(target, [operation])).toThrow(StatusError);
  expect(target).toEqual({ list: [1] });
});

test("copies of copies, which double each time, are stopped while they are small", () => {
  const doubling = { op: "copy", from: "/list", path: "/list/-" };
  expect(() => jsonPatch({ list: ["x"] }, Array(22).fill(doubling))).toThrow(/copies of a patch/);
  expect(jsonPatch({ list: ["x"] }, Array(3).fill({ op: "copy", from: "/list/0", path: "/list/-" }))).toEqual({
    list: ["x", "x", "x", "x"],
  });
});

test("whatever the patches, a prototype is never reached, and refusals are the only throws", () => {
  const names = fc.constantFrom("__proto__", "constructor", "prototype", "a", "0", "-");
  const operation = fc.record({
    op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test"),
    path: fc.array(names, { maxLength: 3 }).map((parts) => parts.map((part) => `/${part}`).join("")),
    from: fc.constantFrom("/a", "", "/__proto__"),
    value: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(operation, { maxLength: 4 }), fc.jsonValue(), (target, operations, patch) => {
      try {
        jsonPatch(target, operations);
      } catch (error) {
        expect(error).toBeInstanceOf(StatusError);
      }
      mergePatch(target, patch);
      expect(({} as Record<string, unknown>).a).toBeUndefined();
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
