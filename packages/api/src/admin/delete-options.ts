/** The body of a DELETE, as far as it means something here: nothing is owned by these objects, and none lingers. */

import { z } from "zod";

export const deleteOptions = z.looseObject({
  dryRun: z.array(z.string()).nullish(),
  preconditions: z.looseObject({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
});
