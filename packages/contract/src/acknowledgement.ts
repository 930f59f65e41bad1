/** Acknowledgement: what one data plane has applied, in the bucket `instances` under its instance id. */

import { z } from "zod";

export const acknowledgement = z.strictObject({
  instance: z.string(),
  /** The pod's name, or the host's. */
  name: z.string(),
  startedAtMs: z.int(),
  /** The revision that serves; 0 before the first. */
  revision: z.int().min(0),
  digest: z.string().optional(),
  /** The newest revision that was refused, and why; absent when the newest one serves. */
  rejected: z.strictObject({ revision: z.int(), reason: z.string() }).optional(),
  /** Change number of the bucket `keys` up to which all is applied. */
  keysRevision: z.int().min(0),
});
export type Acknowledgement = z.infer<typeof acknowledgement>;
