/** KeyEntry: one virtual key as data planes know it, in the bucket `keys` under the SHA-256 of the key's text. */

import { z } from "zod";

export const keyEntry = z.strictObject({
  /** `namespace/name` of the VirtualKey. */
  id: z.string(),
  namespace: z.string(),
  /** A revoked key stays for a while, so that its callers hear why. */
  state: z.enum(["Active", "Suspended", "Revoked"]),
  team: z.string().optional(),
  service: z.string().optional(),
  user: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  /** Model patterns as in a Route; absent: all that its Gateways admit. */
  allowModels: z.array(z.string()).optional(),
  /** `namespace/name` of Routes; absent: all. */
  allowRoutes: z.array(z.string()).optional(),
  /** Unix milliseconds. */
  expiresAtMs: z.int().optional(),
});
export type KeyEntry = z.infer<typeof keyEntry>;
