/**
 * For whom and what for the call is made, as it says itself: claims, beside what its key proves. Where both tell the same thing,
 * the key's word counts. A header goes before the body.
 */

import { type Exchange, refuse } from "../exchange.ts";
import { readClaims } from "../http/call-claims.ts";

export function attribute(exchange: Exchange): Exchange {
  const { headers, fields } = exchange;
  exchange.claimedUser = fields?.user;
  exchange.claimedMetadata = fields?.metadata;
  if (headers?.metadata === undefined && headers?.run === undefined) return exchange;
  const claims = readClaims({ metadata: headers.metadata, run: headers.run });
  if (claims.kind === "problem") return refuse(exchange, { code: "metadata_invalid", message: claims.message });
  exchange.claimedMetadata = { ...fields?.metadata, ...claims.metadata };
  exchange.run = claims.run;
  return exchange;
}
