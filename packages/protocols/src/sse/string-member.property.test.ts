import fc from "fast-check";
import { expect, test } from "vitest";
import { memberBeginsWith, stringMemberBytes } from "./string-member.ts";

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

test("the length found is that of the decoded text, whatever it holds and stands beside", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom('"text":"x"', 'text":"', "\\", '\\"', "\u0000é東😀"),
  );
  fc.assert(
    fc.property(text, text, fc.boolean(), fc.constantFrom(undefined, 1), (before, value, escaped, indent) => {
      let json = JSON.stringify(
        { before, other_text: before, inner: [{ text: value, text_after: before }] },
        null,
        indent,
      );
      if (escaped)
        json = json.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
      // Half a character has no bytes of its own in UTF-8.
      if (value.isWellFormed()) expect(stringMemberBytes(latin1(json), 'text"')).toBe(Buffer.byteLength(value));
      expect(memberBeginsWith(latin1(json), 'text"', 0x22)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test.for([['{"a":1}'], ['{"text":null}'], ['{"text":["x"]}'], ['{"a":"\\"text\\":\\"x\\""}'], ['{"text":"x'], [""]])(
  "%s has no such string",
  ([json]) => {
    expect(stringMemberBytes(json as string, 'text"')).toBe(-1);
  },
);
