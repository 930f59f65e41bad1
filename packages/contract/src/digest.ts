/** The digest that names a snapshot. */

import { hash } from "node:crypto";

/** `sha256:` and 64 hexadecimal digits. */
export function digestOf(text: string): string {
  return `sha256:${hash("sha256", text, "hex")}`;
}
