/**
 * Revokes a virtual key: in the record first, then on the bus at once, past any queue, and answers how many data planes
 * refuse it already. It works on keys of every owner, and applying a manifest again does not undo it.
 */

import type { KeyPublisher } from "./publish/key-publisher.ts";
import type { Instances, Reach } from "./status/instances.ts";
import type { Store } from "./store/store.ts";

export type Revoke = (
  key: { namespace: string; name: string },
  by: string,
  reason: string,
) => Promise<({ readonly kind: "revoked" } & Reach) | { readonly kind: "missing" }>;

/** A data plane that is silent this long is reported, not waited for. */
const acknowledgeWithinMs = 2_000;

export function createRevoke(ports: {
  store: Pick<Store, "getResource" | "revokeKey">;
  keys: KeyPublisher;
  instances: Instances;
  nowMs: () => number;
}): Revoke {
  const { store, keys, instances } = ports;
  return async ({ namespace, name }, by, reason) => {
    const found = await store.getResource({ kind: "VirtualKey", namespace, name });
    const hash = (found?.spec as { hash?: string } | undefined)?.hash;
    if (hash === undefined) return { kind: "missing" };
    const revocation = { hash, key: `${namespace}/${name}`, revokedAtMs: Math.trunc(ports.nowMs()), by, reason };
    await store.revokeKey(revocation);
    const keysRevision = await keys.revoke(revocation);
    return { kind: "revoked", ...(await instances.waitForKeys(keysRevision, acknowledgeWithinMs)) };
  };
}
