/** `GET /admin/v1/status`: what runs, which revision serves where, and what needs a look. */

import { z } from "zod";

export const statusReport = z.strictObject({
  version: z.string(),
  /** RFC 3339. */
  startedAt: z.string(),
  /** Absent: nothing was ever published. */
  revision: z.strictObject({ revision: z.int(), digest: z.string(), recordedAt: z.string() }).optional(),
  dataPlanes: z.array(
    z.strictObject({
      name: z.string(),
      instance: z.string(),
      /** What it serves; 0: nothing yet. */
      revision: z.int(),
      startedAt: z.string(),
      /** The newest revision that it refused, and why. */
      rejected: z.strictObject({ revision: z.int(), reason: z.string() }).optional(),
    }),
  ),
  resources: z.array(z.strictObject({ kind: z.string(), total: z.int(), ready: z.int() })),
  /** One line each: files that can't be read, resources that are not ready and why. */
  problems: z.array(z.string()),
});
export type StatusReport = z.output<typeof statusReport>;
