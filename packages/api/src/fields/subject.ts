/** Names of teams, services and users: as a VirtualKey says them of its caller, and as selectors ask for them. */

import { z } from "zod";

// Printable ASCII: the values may be sent to providers as headers.
export const subjectName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[!-~]([ -~]*[!-~])?$/, "must be printable ASCII without spaces at its ends");
