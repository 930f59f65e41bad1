import fc from "fast-check";
import { expect, test } from "vitest";
import { isVirtualKey, virtualKeyDisplay, virtualKeyFrom, virtualKeyHash } from "./virtual-key.ts";

const random = fc.uint8Array({ minLength: 32, maxLength: 32 });

test("every key that is made is a whole key, all of one length, and differs when its random bytes do", () => {
  fc.assert(
    fc.property(random, random, (one, other) => {
      const key = virtualKeyFrom(one);
      expect(key).toMatch(/^sk-sluice-[0-9A-Za-z]{49}$/);
      expect(isVirtualKey(key)).toBe(true);
      expect(key === virtualKeyFrom(other)).toBe(Buffer.compare(one, other) === 0);
    }),
  );
});

test("a key with one wrong character, or a missing one, is no key", () => {
  const digits = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];
  fc.assert(
    fc.property(random, fc.integer({ min: 10, max: 58 }), fc.constantFrom(...digits), (bytes, at, digit) => {
      const key = virtualKeyFrom(bytes);
      fc.pre(key[at] !== digit);
      expect(isVirtualKey(key.slice(0, at) + digit + key.slice(at + 1))).toBe(false);
      expect(isVirtualKey(key.slice(0, at) + key.slice(at + 1))).toBe(false);
    }),
  );
});

test("what is shown and what is kept of a key do not hold it", () => {
  const key = virtualKeyFrom(new Uint8Array(32).fill(7));
  expect(virtualKeyHash(key)).toMatch(/^[0-9a-f]{64}$/);
  expect(virtualKeyDisplay(key)).toHaveLength(17);
  expect(key.startsWith(virtualKeyDisplay(key).slice(0, -1))).toBe(true);
});

test("other lengths of random bytes are refused", () => {
  expect(() => virtualKeyFrom(new Uint8Array(16))).toThrow("32 random bytes");
});
