/** How far the record has an instance's usage events, in the bucket `ledger` under the instance id. The spool may forget up to it. */

import { z } from "zod";

export const ledgerWatermark = z.strictObject({
  /** The highest event number recorded without a gap below it. */
  seq: z.int().min(0),
});
export type LedgerWatermark = z.infer<typeof ledgerWatermark>;
