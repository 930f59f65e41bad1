/**
 * Headers that a Provider adds to each request. Names that carry identity, a credential or framing are Sluice's own to
 * set, so they are refused here; values may hold four placeholders of the caller.
 */

import { z } from "zod";
import { withRule } from "./rule.ts";

const refusedNames = [
  "authorization",
  "api-key",
  "x-api-key",
  "x-goog-api-key",
  "cookie",
  "set-cookie",
  "forwarded",
  "via",
  "x-real-ip", // identity and credentials
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect", // hop by hop
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "accept-encoding", // framing
];
const refusedPrefixes = ["x-forwarded-", "x-sluice-", "proxy-", "sec-"];

function isRefused(name: string): boolean {
  return refusedNames.includes(name) || refusedPrefixes.some((prefix) => name.startsWith(prefix));
}

const quoted = (words: readonly string[]) => `[${words.map((word) => `'${word}'`).join(", ")}]`;

const headerName = withRule(
  z
    .string()
    .min(1)
    .max(128)
    .regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, "must be a header's name in lower case"),
  {
    cel: `!(self in ${quoted(refusedNames)}) && !${quoted(refusedPrefixes)}.exists(p, self.startsWith(p))`,
    message: "is a header that Sluice sets itself, or that belongs to one connection",
    holds: (name) => !isRefused(name),
  },
);

// Printable ASCII, where `{{` opens one of the four placeholders.
const headerValue = z
  .string()
  .min(1)
  .max(1024)
  .regex(
    /^([ -z|}~]|\{\{(team|service|user|key)\}\}|\{[ -z|}~])*\{?$/,
    "must be printable ASCII; placeholders are {{team}}, {{service}}, {{user}} and {{key}}",
  );

export const header = z.strictObject({
  name: headerName.describe("Name of the header. Identity, credential, hop-by-hop and framing headers are refused."),
  value: headerValue.describe(
    "Value. `{{team}}`, `{{service}}`, `{{user}}` and `{{key}}` are filled in from the caller; a header with an empty one is left out.",
  ),
});
