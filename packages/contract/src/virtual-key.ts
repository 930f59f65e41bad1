/**
 * The text of a virtual key: `sk-sluice-` and 49 characters of base 62: 43 random ones (256 bits) and 6 of a CRC-32
 * over them, so that a typing error is told from an unknown key, and leak scanners can tell a real key from noise.
 */

import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
export const virtualKeyPrefix = "sk-sluice-";
const randomLength = 43;
const checksumLength = 6;

/** A key from 32 random bytes. */
export function virtualKeyFrom(random: Uint8Array): string {
  if (random.length !== 32) throw new Error(`A virtual key is made of 32 random bytes, not ${random.length}`);
  let number = BigInt(`0x${Buffer.from(random).toString("hex")}`);
  let digits = "";
  for (let place = 0; place < randomLength; place++) {
    digits = alphabet[Number(number % 62n)] + digits;
    number /= 62n;
  }
  return `${virtualKeyPrefix}${digits}${checksum(digits)}`;
}

/** Whether the text is a whole virtual key: prefix, length, alphabet and checksum. */
export function isVirtualKey(text: string): boolean {
  if (!text.startsWith(virtualKeyPrefix)) return false;
  const digits = text.slice(virtualKeyPrefix.length);
  if (digits.length !== randomLength + checksumLength || !/^[0-9A-Za-z]+$/.test(digits)) return false;
  return checksum(digits.slice(0, randomLength)) === digits.slice(randomLength);
}

/** What is kept of a key: SHA-256 of its text, 64 hexadecimal digits. A key is 256 random bits, so no salt or slow hash is needed. */
export function virtualKeyHash(key: string): string {
  return hash("sha256", key, "hex");
}

/** What may be shown of a key: enough to find it in a list. */
export function virtualKeyDisplay(key: string): string {
  return `${key.slice(0, virtualKeyPrefix.length + 6)}…`;
}

function checksum(digits: string): string {
  let number = crc32(digits);
  let text = "";
  for (let place = 0; place < checksumLength; place++) {
    text = alphabet[number % 62] + text;
    number = Math.floor(number / 62);
  }
  return text;
}
