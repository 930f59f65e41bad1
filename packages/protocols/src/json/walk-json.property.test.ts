import fc from "fast-check";
import { expect, test } from "vitest";
import { isArray, isObject, skipValue, textAt, walkArray, walkObject } from "./walk-json.ts";

/** The value at an offset, built by the walk alone, and the offset after it. */
function build(bytes: Buffer, at: number): { value: unknown; end: number } {
  if (isObject(bytes, at)) {
    const entries: [string, unknown][] = [];
    const end = walkObject(bytes, at, (key, place) => {
      const inner = build(bytes, place);
      entries.push([key, inner.value]);
      return inner.end;
    });
    return { value: Object.fromEntries(entries), end };
  }
  if (isArray(bytes, at)) {
    const items: unknown[] = [];
    const end = walkArray(bytes, at, (place) => {
      const inner = build(bytes, place);
      items.push(inner.value);
      return inner.end;
    });
    return { value: items, end };
  }
  const end = skipValue(bytes, at);
  const isText = bytes[at] === 0x22;
  return { value: isText ? textAt(bytes, at, end) : JSON.parse(bytes.toString("utf8", at, end)), end };
}

test("a walk meets every member and item of any JSON text, and ends where it ends", () => {
  const spaces = fc.constantFrom(undefined, 1, "\t");
  const asEscapes = fc.boolean();
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6 }),
      spaces,
      asEscapes,
      fc.string({ maxLength: 400 }),
      (value, indent, escaped, long) => {
        let text = JSON.stringify({ value, long }, null, indent);
        // Any letter inside a string may be written as an escape.
        if (escaped)
          text = text.replace(/[a-z](?=[a-z ]*")/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          return; // an escape's own letter was escaped
        }
        const bytes = Buffer.from(text);
        expect(build(bytes, 0)).toEqual({ value: expected, end: bytes.length });
        expect(skipValue(bytes, 0)).toBe(bytes.length);
      },
    ),
    { numRuns: 2000 },
  );
});
