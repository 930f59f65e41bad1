/**
 * Sealing: AES-256-GCM around values that travel or lie outside a process's memory.
 * A sealed value is `version(1) | key id(4) | nonce(12) | tag(16) | ciphertext`; the key id tells which of two keys opens it
 * while one replaces the other.
 */

import { createCipheriv, createDecipheriv, hash } from "node:crypto";

const version = 1;
const headBytes = 1 + 4 + 12 + 16;

export type SealingKey = { readonly id: string; readonly bytes: Uint8Array };

/** A key from its 32 bytes. Throws when there are not 32. */
export function sealingKey(bytes: Uint8Array): SealingKey {
  if (bytes.length !== 32) throw new Error(`A sealing key has 32 bytes, this one has ${bytes.length}`);
  return { id: hash("sha256", bytes, "hex").slice(0, 8), bytes };
}

/** Seals `plain` for `context` (only the same context opens it). `nonce`: 12 random bytes, never used twice with a key. */
export function seal(input: { key: SealingKey; context: string; plain: Uint8Array; nonce: Uint8Array }): Uint8Array {
  const cipher = createCipheriv("aes-256-gcm", input.key.bytes, input.nonce);
  cipher.setAAD(Buffer.from(input.context));
  const body = Buffer.concat([cipher.update(input.plain), cipher.final()]);
  return Buffer.concat([
    Uint8Array.of(version),
    Buffer.from(input.key.id, "hex"),
    input.nonce,
    cipher.getAuthTag(),
    body,
  ]);
}

/** Opens what `seal` made with one of `keys`. Throws, without telling anything of the value, when it can't. */
export function unseal(input: { keys: readonly SealingKey[]; context: string; sealed: Uint8Array }): Uint8Array {
  const sealed = Buffer.from(input.sealed);
  if (sealed.length < headBytes || sealed[0] !== version)
    throw new Error(`${input.context}: not a sealed value of version ${version}`);
  const id = sealed.toString("hex", 1, 5);
  const key = input.keys.find((candidate) => candidate.id === id);
  if (key === undefined) throw new Error(`${input.context}: sealed with key ${id}, which is not mounted here`);
  const opener = createDecipheriv("aes-256-gcm", key.bytes, sealed.subarray(5, 17));
  opener.setAAD(Buffer.from(input.context));
  opener.setAuthTag(sealed.subarray(17, headBytes));
  try {
    return Buffer.concat([opener.update(sealed.subarray(headBytes)), opener.final()]);
  } catch {
    throw new Error(`${input.context}: the sealed value was changed, or belongs elsewhere`);
  }
}
