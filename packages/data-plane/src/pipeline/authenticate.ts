/** Who is calling: one hash, one look-up in the key table. What the caller may use is `plan`'s question. */

import { isVirtualKey, type KeyEntry, virtualKeyHash, virtualKeyPrefix } from "@sluice/contract";
import { type Exchange, refuse } from "../exchange.ts";

export function authenticate(exchange: Exchange, keys: ReadonlyMap<string, KeyEntry>): Exchange {
  const key = exchange.headers?.key;
  if (key === undefined) return refuse(exchange, { code: "key_missing" });

  const hash = virtualKeyHash(key);
  const entry = keys.get(hash);
  if (entry === undefined) {
    const mistyped = key.startsWith(virtualKeyPrefix) && !isVirtualKey(key);
    return refuse(exchange, { code: mistyped ? "key_malformed" : "key_unknown" });
  }
  exchange.caller = entry;
  exchange.keyHash = hash;
  if (entry.state === "Revoked") return refuse(exchange, { code: "key_revoked", key: entry.id });
  if (entry.state === "Suspended") return refuse(exchange, { code: "key_suspended", key: entry.id });

  // The exchange's start decides, so that a slow body is not refused halfway.
  if (entry.expiresAtMs !== undefined && entry.expiresAtMs <= exchange.startedAtMs) {
    return refuse(exchange, {
      code: "key_expired",
      key: entry.id,
      expiredAt: new Date(entry.expiresAtMs).toISOString(),
    });
  }
  const admits = exchange.gateway?.plan.admits;
  if (admits !== undefined && !admits.includes(entry.namespace)) {
    return refuse(exchange, { code: "key_not_admitted", key: entry.id, gateway: exchange.gateway?.plan.id ?? "" });
  }
  return exchange;
}
