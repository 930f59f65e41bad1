/** Ids in the vendors' looks: a function of the request's digest and of how many calls came before, so no two are equal. */

import { hash } from "node:crypto";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `prefix` and `length` characters of base 62; `part` tells the ids of one call apart. */
export function idOf(prefix: string, length: number, call: { digest: string; number: number }, part = ""): string {
  const bytes = hash("sha512", `${prefix} ${call.digest} ${call.number} ${part}`, "buffer");
  let id = prefix;
  for (let at = 0; at < length; at++) id += alphabet[bytes[at % bytes.length]! % 62];
  return id;
}
