import fc from "fast-check";
import { expect, test } from "vitest";
import { readHeaders } from "./request-headers.ts";

const token = fc.stringMatching(/^[A-Za-z0-9-]{1,20}$/);
const value = fc.string({ maxLength: 40 });

test("whatever headers come, only named ones go up, and nothing is thrown", () => {
  const names = fc.oneof(
    token,
    fc.constantFrom(
      "Authorization",
      "X-API-Key",
      "traceparent",
      "User-Agent",
      "Cookie",
      "openai-organization",
      "__proto__",
      "constructor",
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(names, value), { maxLength: 30 }), (pairs) => {
      const { forward } = readHeaders(pairs.flat());
      const allowed = [
        "anthropic-beta",
        "anthropic-version",
        "idempotency-key",
        "openai-beta",
        "traceparent",
        "tracestate",
        "user-agent",
      ];
      for (let at = 0; at < forward.length; at += 2) expect(allowed).toContain(forward[at]);
    }),
  );
});

test("a header's spelling makes no difference, and thousands of spellings are not remembered", () => {
  for (let round = 0; round < 2_000; round++) {
    const spelled = [..."authorization"]
      .map((letter, at) => ((round >> at) & 1 ? letter.toUpperCase() : letter))
      .join("");
    expect(readHeaders([spelled, "Bearer k"]).key).toBe("k");
  }
});

test.for([
  ["Bearer abc", "abc"],
  ["bearer  abc ", "abc"],
  ["Basic abc", undefined],
  ["Bearer", undefined],
  ["Bearer a b", undefined],
  ["", undefined],
] as const)("authorization %j holds the key %j", ([text, key]) => {
  expect(readHeaders(["authorization", text]).key).toBe(key);
});
