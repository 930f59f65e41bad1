import { expect, test } from "vitest";
import { seal, sealingKey, unseal } from "./sealing.ts";

const key = sealingKey(new Uint8Array(32).fill(1));
const next = sealingKey(new Uint8Array(32).fill(2));
const plain = Buffer.from("sk-of-a-vendor");
const nonce = new Uint8Array(12).fill(9);
const sealed = seal({ key, context: "ai/openai/api-key", plain, nonce });

test("a sealed value opens with its key and context, also while a second key is mounted", () => {
  expect(Buffer.from(unseal({ keys: [next, key], context: "ai/openai/api-key", sealed })).toString()).toBe(
    "sk-of-a-vendor",
  );
  expect(Buffer.from(sealed).includes(plain)).toBe(false);
});

test("another context, another key, and any changed byte are refused, and the message does not hold the value", () => {
  const attempts = [
    () => unseal({ keys: [key], context: "ai/other/api-key", sealed }),
    () => unseal({ keys: [next], context: "ai/openai/api-key", sealed }),
    ...[...sealed.keys()].map((at) => () => {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] as number) ^ 1;
      return unseal({ keys: [key], context: "ai/openai/api-key", sealed: changed });
    }),
  ];
  for (const attempt of attempts) {
    expect(attempt).toThrow(/^ai\//);
    expect(attempt).not.toThrow("vendor");
  }
});

test("a value that is cut short is refused", () => {
  for (let length = 0; length < sealed.length; length++) {
    expect(() => unseal({ keys: [key], context: "ai/openai/api-key", sealed: sealed.subarray(0, length) })).toThrow();
  }
});

test("a sealing key has 32 bytes", () => {
  expect(() => sealingKey(new Uint8Array(16))).toThrow("32 bytes");
});
