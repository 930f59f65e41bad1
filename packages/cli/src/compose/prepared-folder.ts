/** Where an install (in a checkout) or a build (beside the bundle) leaves the empty record that first starts copy. */

import { join } from "node:path";

export function preparedFolder(): string {
  const checkout = /^(.*)[\\/]packages[\\/]cli[\\/]src[\\/]compose$/.exec(import.meta.dirname)?.[1];
  return checkout === undefined ? join(import.meta.dirname, "prepared") : join(checkout, "node_modules/.cache/sluice");
}
