import fc from "fast-check";
import { expect, test } from "vitest";
import { readClaims } from "./call-claims.ts";

/** As Node hands a header over. */
function header(text: string): string {
  return Buffer.from(text).toString("latin1");
}
function read(metadata?: string, run?: string) {
  return readClaims({ metadata: metadata === undefined ? undefined : header(metadata), run: run && header(run) });
}

test.for([
  ["texts", '{"feature":"search","team.x":"y","_-":""}', { feature: "search", "team.x": "y", "_-": "" }],
  ["none", "{}", {}],
  ["any script", '{"f":"Sö 七 🜁"}', { f: "Sö 七 🜁" }],
  ["escapes", '{"f":"S\\u00f6"}', { f: "Sö" }],
  ["a name twice: the last", '{"a":"1","a":"2"}', { a: "2" }],
  ["16 entries", JSON.stringify(entries(16)), entries(16)],
  ["a text of 256", JSON.stringify({ a: "x".repeat(256) }), { a: "x".repeat(256) }],
  ["names that objects have by themselves", '{"constructor":"a","toString":"b"}', { constructor: "a", toString: "b" }],
] as const)("metadata: %s", ([, text, expected]) => {
  const claims = read(text);
  expect(claims.kind === "claims" && { ...claims.metadata }).toEqual(expected);
});

test("a name that would reach an object's prototype is a name", () => {
  const claims = read('{"__proto__":"x"}');
  expect(claims.kind === "claims" && Object.getOwnPropertyNames({ ...claims.metadata })).toEqual(["__proto__"]);
  expect(({} as { x?: unknown }).x).toBeUndefined();
});

test.for([
  ["no JSON", "feature=search"],
  ["empty", ""],
  ["null", "null"],
  ["a list", '["a"]'],
  ["a text", '"a"'],
  ["a number in it", '{"a":1}'],
  ["null in it", '{"a":null}'],
  ["an object in it", '{"a":{}}'],
  ["17 entries", JSON.stringify(entries(17))],
  ["a text of 257", JSON.stringify({ a: "x".repeat(257) })],
  ["a name of 65", JSON.stringify({ ["x".repeat(65)]: "a" })],
  ["an empty name", '{"":"a"}'],
  ["a name with a space", '{"a b":"c"}'],
  ["a name with a slash", '{"a/b":"c"}'],
  [
    "more than 4 KiB",
    JSON.stringify(Object.fromEntries(Object.keys(entries(16)).map((key) => [key, "ü".repeat(250)]))),
  ],
  ["a megabyte", JSON.stringify({ a: "x".repeat(1_000_000) })],
  ["a control character", '{"a":"\\u0000"}'],
  ["a line feed", '{"a":"b\\nc"}'],
  ["a C1 control", '{"a":"\\u0085"}'],
  ["a mark that reorders", '{"a":"\\u202e"}'],
  ["a byte order mark", '{"a":"\\ufeff"}'],
  ["half a character", '{"a":"\\ud800"}'],
] as const)("metadata is refused: %s", ([, text]) => {
  const claims = read(text);
  expect(claims).toMatchObject({ kind: "problem", message: expect.stringMatching(/^The header x-sluice-metadata /) });
});

test.for([
  ["a name", "run-1", "run-1"],
  ["any script", "Läufer 七", "Läufer 七"],
  ["256 characters", "x".repeat(256), "x".repeat(256)],
  ["empty", "", undefined],
  ["257 characters", "x".repeat(257), undefined],
  ["a tab", "a\tb", undefined],
  ["a mark that reorders", "a\u202eb", undefined],
] as const)("a run: %s", ([, text, run]) => {
  const claims = readClaims({ metadata: undefined, run: header(text) });
  expect(claims.kind === "claims" ? claims.run : undefined).toBe(run);
  if (claims.kind === "claims") expect({ ...claims.metadata }).toEqual({ run });
});

test("a run in the metadata goes before its header, on account and record alike", () => {
  const claims = read('{"run":"a"}', "b");
  expect(claims).toMatchObject({ kind: "claims", run: "a", metadata: { run: "a" } });
});

test("whatever is sent, what is let through is short, plain text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.json({ maxDepth: 1 }),
    fc.dictionary(fc.string(), fc.string()).map((one) => JSON.stringify(one)),
  );
  fc.assert(
    fc.property(text, fc.option(fc.string({ unit: "binary", maxLength: 300 }), { nil: undefined }), (metadata, run) => {
      const claims = read(metadata, run);
      if (claims.kind === "problem") {
        expect(claims.message.length).toBeLessThan(200);
        return;
      }
      for (const [name, value] of Object.entries(claims.metadata)) {
        expect(name).toMatch(/^[\w.-]{1,64}$/);
        expect(value).toMatch(/^[^\p{C}]{0,256}$/u);
      }
    }),
  );
});

function entries(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
}
