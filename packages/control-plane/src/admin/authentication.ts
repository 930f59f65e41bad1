/** The token of the admin API. Compared by digest and in constant time: neither length nor content leaks by how long it takes. */

import { hash, timingSafeEqual } from "node:crypto";
import { StatusError } from "./status-error.ts";

/** Throws a 401 that says where the token is. */
export function authenticate(authorization: string | undefined, token: string): void {
  const [, presented] = /^bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
  if (presented !== undefined && timingSafeEqual(digest(presented), digest(token))) return;
  const what = presented === undefined ? "A token is needed" : "The token is not this control plane's";
  throw new StatusError(
    "Unauthorized",
    `${what}: give it with --token (or SLUICE_TOKEN for sluice); \`sluice up\` keeps it in .sluice/admin.token`,
  );
}

/** A page of another site must not reach the API through its visitor's browser, whatever it has got hold of. */
export function refuseForeignPage(origin: string | undefined, host: string | undefined): void {
  if (origin === undefined) return;
  if (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)) return;
  throw new StatusError("Forbidden", "Requests from pages of another origin are refused");
}

function digest(text: string): Uint8Array {
  return hash("sha256", text, "buffer");
}
