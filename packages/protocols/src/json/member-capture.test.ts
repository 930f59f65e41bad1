import fc from "fast-check";
import { expect, test } from "vitest";
import { MemberCapture } from "./member-capture.ts";

function capture(text: string, cuts: readonly number[]): string | undefined {
  const bytes = Buffer.from(text);
  const reader = new MemberCapture("usage");
  let start = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)), bytes.length].sort((one, other) => one - other)) {
    reader.push(bytes.subarray(start, cut));
    start = cut;
  }
  return reader.value;
}

test("the outermost member is found wherever the text is cut, whatever nested members and texts say", () => {
  const others = fc.dictionary(
    fc.string().filter((name) => name !== "usage"),
    fc.jsonValue(),
  );
  const usage = fc.record({ prompt_tokens: fc.nat(), note: fc.string() });
  fc.assert(
    fc.property(others, usage, others, fc.array(fc.nat(), { maxLength: 6 }), (before, value, after, cuts) => {
      const decoy = { x: { usage: { prompt_tokens: -1 } }, y: '"usage":{"prompt_tokens":-2}' };
      const text = JSON.stringify({ decoy, ...before, usage: value, zz: decoy, ...after });
      expect(JSON.parse(capture(text, cuts) ?? "null")).toEqual(value);
    }),
  );
});

test("a text without the member, or one that is no JSON, gives nothing and throws nothing", () => {
  expect(capture('{"a":{"usage":1}}', [])).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      new MemberCapture("usage").push(bytes);
    }),
  );
});

test("a member without an end holds no more memory than its bound", () => {
  const reader = new MemberCapture("usage");
  reader.push(Buffer.from(`{"usage":[${"1,".repeat(100_000)}1]}`));
  expect(reader.value).toBeUndefined();
});
