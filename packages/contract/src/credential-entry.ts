/** A provider's credential on its way to data planes: sealed, in the bucket `credentials`, never part of a snapshot. */

import { z } from "zod";

export const credentialEntry = z.strictObject({
  /** Output of `seal`, base64; the credential's id is its additional data, so that no entry can pass for another. */
  sealed: z.string(),
});
export type CredentialEntry = z.infer<typeof credentialEntry>;
