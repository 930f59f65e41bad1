/**
 * The signature of a webhook: `t=<Unix seconds>,v1=<hexadecimal HMAC-SHA256 of "<t>.<body>">`. The time is signed along, so
 * that a receiver refuses what is old; the event's id in the body lets it drop what it has already had.
 */

import { createHmac } from "node:crypto";
import type { Secret } from "../sources/secret.ts";

export function signature(input: { body: string; secret: Secret; atMs: number }): string {
  const seconds = Math.trunc(input.atMs / 1_000);
  const mac = createHmac("sha256", input.secret.reveal()).update(`${seconds}.${input.body}`).digest("hex");
  return `t=${seconds},v1=${mac}`;
}
