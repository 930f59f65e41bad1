import fc from "fast-check";
import { expect, test } from "vitest";
import { depthMax, scanObject } from "./scan-object.ts";

const scan = (text: string | Uint8Array) => scanObject(Buffer.from(text as string));

test("the members' places are those of their values in the text", () => {
  const text = ' {"a" : 1, "b":[true,{"a":2}],"c\\u0064":"\\"é" } ';
  const scanned = scan(text);
  if (scanned.kind !== "object") throw new Error(scanned.message);
  const bytes = Buffer.from(text);
  const read = scanned.members.map((member) => [
    member.key,
    JSON.parse(bytes.toString("utf8", member.value.start, member.value.end)),
  ]);
  expect(read).toEqual([
    ["a", 1],
    ["b", [true, { a: 2 }]],
    ["cd", '"é'],
  ]);
  expect(bytes[scanned.close]).toBe("}".charCodeAt(0));
});

test("every object that JSON.stringify writes is read, with its members", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
      const text = Buffer.from(JSON.stringify(value));
      const scanned = scanObject(text);
      if (scanned.kind !== "object") throw new Error(`${scanned.message} at ${scanned.at}`);
      const read = scanned.members.map(({ key, value: span }) => [
        key,
        JSON.parse(text.toString("utf8", span.start, span.end)),
      ]);
      expect(read).toEqual(Object.entries(JSON.parse(text.toString())));
    }),
  );
});

test("a text that is changed anywhere is refused where JSON.parse refuses it, and never accepted as another object", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.constantFrom(...Buffer.from('{}[]",:\\ntf0.-e \u0001x')) });
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      (value, changes) => {
        const bytes = Buffer.from(JSON.stringify(value));
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        const scanned = scanObject(bytes);
        let parsed: unknown;
        try {
          parsed = JSON.parse(bytes.toString());
        } catch {
          // Escapes are not checked by the scan: what it accepts beyond JSON.parse may differ in them alone.
          if (scanned.kind === "object") expect(bytes.includes(0x5c)).toBe(true);
          return;
        }
        if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed))
          expect(scanned.kind).toBe("object");
      },
    ),
    { numRuns: 2000 },
  );
});

test("any bytes at all are answered, never thrown at", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(["object", "problem"]).toContain(scan(bytes).kind);
    }),
    { numRuns: 2000 },
  );
});

test.for([
  ["", "empty"],
  ["[]", "Expected a JSON object"],
  ['{"a":1}x', "after the JSON object"],
  ['{"a":01}', "zero"],
  ['{"a":1.}', "point"],
  ['{"a":1e}', "exponent"],
  ['{"a":tru}', "Unexpected text"],
  ['{"a":"\n"}', "control character"],
  ['{"a":"b', "no end"],
  ['{"a":', "ends where"],
  ["{a:1}", "in quotes"],
  ['{"a" 1}', "colon"],
  ['{"a":[1 2]}', "comma"],
] as const)("%s is refused and the message names what is wrong", ([text, words]) => {
  const scanned = scan(text);
  expect(scanned.kind === "problem" ? scanned.message : "read").toContain(words);
});

test("nesting is read to the bound and refused beyond it, at a hundred thousand levels too", () => {
  const nested = (levels: number) => scan(`{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`).kind;
  expect(nested(depthMax)).toBe("object");
  expect(nested(depthMax + 1)).toBe("problem");
  expect(nested(100_000)).toBe("problem");
});

test("bytes that are not UTF-8 are refused", () => {
  const scanned = scan(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d));
  expect(scanned).toMatchObject({ kind: "problem", message: expect.stringContaining("UTF-8") });
});

test("a long string with escaped quotes ends where it ends", () => {
  for (const tail of ['\\"', "\\\\", '\\\\\\"', "a"]) {
    const text = `{"a":"${"x".repeat(300)}${tail}${"y".repeat(10)}","b":1}`;
    const scanned = scan(text);
    expect(scanned.kind === "object" ? scanned.members.map((member) => member.key) : scanned.message).toEqual([
      "a",
      "b",
    ]);
  }
});
