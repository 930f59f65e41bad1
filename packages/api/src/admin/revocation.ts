/** `POST …/virtualkeys/NAME/revoke`: the reason, and how many data planes refuse the key already. */

import { z } from "zod";

export const revocationRequest = z.strictObject({ reason: z.string().max(1024).default("") });

export const revocationAnswer = z.strictObject({ acknowledged: z.int(), desired: z.int() });
export type RevocationAnswer = z.output<typeof revocationAnswer>;
