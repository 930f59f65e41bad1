import { describe, expect, test } from "vitest";
import { baseUrlOf } from "./base-url.ts";

describe("the same API, however its URL is written", () => {
  test.for([
    ["OpenAI", undefined, "https://api.openai.com/v1"],
    ["OpenAI", "https://api.openai.com", "https://api.openai.com/v1"],
    ["OpenAI", "https://api.openai.com/", "https://api.openai.com/v1"],
    ["OpenAI", "https://api.openai.com/v1", "https://api.openai.com/v1"],
    ["OpenAI", "https://api.openai.com/v1//", "https://api.openai.com/v1"],
    ["OpenAICompatible", "http://llama:8000/openai/", "http://llama:8000/openai"],
    ["OpenAICompatible", "http://LLAMA:80/a/../v1", "http://llama/v1"],
    ["OpenAICompatible", "http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"],
    ["OpenAICompatible", "http://[::1]:8000/v1", "http://[::1]:8000/v1"],
    ["Anthropic", undefined, "https://api.anthropic.com/v1"],
    ["Anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1"],
    ["Anthropic", "https://api.anthropic.com/v1/", "https://api.anthropic.com/v1"],
    ["Anthropic", "https://proxy.example/anthropic/", "https://proxy.example/anthropic/v1"],
  ] as const)("%s, %s is %s", ([type, written, expected]) => {
    const url = baseUrlOf({ type, ...(written !== undefined && { baseUrl: written }) });
    expect(url.kind === "valid" ? `${url.origin}${url.basePath}` : url.message).toBe(expected);
  });
});

describe("addresses that hand out a machine's credentials are refused in every form", () => {
  test.for([
    "169.254.169.254",
    "169.254.0.1",
    "2852039166", // decimal
    "0xa9fea9fe", // hexadecimal
    "0251.0376.0251.0376", // octal
    "169.16689662", // two parts
    "169.254.169.254.", // with the root's dot
    "１６９.254.169.254", // full-width digits
    "[fe80::1]",
    "[febf::1]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:169.254.169.254]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "metadata.google.internal",
    "METADATA.google.internal.",
    "metadata",
  ])("%s", (host) => {
    expect(baseUrlOf({ type: "OpenAICompatible", baseUrl: `http://${host}/v1` })).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("metadata address"),
    });
  });
});

test.for(["10.0.0.1", "169.253.1.1", "[fec0::1]", "[2001:db8::a9fe:a9fe]", "metadata.example.com", "[::1]"])(
  "%s is an address like any other",
  (host) => {
    expect(baseUrlOf({ type: "OpenAICompatible", baseUrl: `http://${host}/v1` }).kind).toBe("valid");
  },
);

test.for([
  ["https://user:secret@llm.example/v1", "user or password"],
  ["https://user@llm.example/v1", "user or password"],
  ["https://llm.example/v1?key=1", "query"],
  ["https://llm.example/v1?", "query"],
  ["https://llm.example/v1#part", "fragment"],
  ["ftp://llm.example/v1", "http:// or https://"],
  ["file:///etc/passwd", "http:// or https://"],
  ["https://", "not a URL"],
  ["http://llm.example:99999", "not a URL"],
] as const)("%s is refused because of its %s, and the message does not repeat it", ([url, reason]) => {
  const refused = baseUrlOf({ type: "OpenAICompatible", baseUrl: url });
  expect(refused).toMatchObject({ kind: "refused", message: expect.stringContaining(reason) });
  expect(JSON.stringify(refused)).not.toContain("secret");
});

test("a server of one's own has no URL to fall back on", () => {
  expect(baseUrlOf({ type: "OpenAICompatible" })).toMatchObject({ kind: "refused" });
});
