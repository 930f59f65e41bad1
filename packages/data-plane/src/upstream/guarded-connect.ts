/**
 * Connections to providers, checked at the address that is really connected to: a name that resolves, today or after a change,
 * to a cloud's metadata service must not be reached with a credential. Link-local addresses are never connected to; private ones
 * are, since self-hosted models live there and only a Provider names them.
 */

import { type LookupAddress, lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { isMetadataHost } from "@sluice/contract";
import { buildConnector } from "undici";

/** "This host": reaches loopback on Linux. */
const unspecified = new BlockList();
unspecified.addSubnet("0.0.0.0", 8, "ipv4");
unspecified.addAddress("::", "ipv6");

export class ForbiddenAddress extends Error {
  override readonly name = "ForbiddenAddress";
  constructor(host: string) {
    super(`${host} leads to a link-local or metadata address, which is never connected to`);
  }
}

/** `address`: literal; a name is not forbidden before it has been resolved. */
export function isForbidden(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  // A resolver may answer `::ffff:169.254.169.254`; a URL brings every form into one.
  const plain = family === 6 ? new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname : address;
  return isMetadataHost(plain) || unspecified.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** For undici's `connect`. */
export function guardedConnector(options: { connectMs: number }): buildConnector.connector {
  const connect = buildConnector({ timeout: options.connectMs, lookup: guardedLookup, allowH2: false });
  return (target, callback) => {
    const literal = target.hostname.replace(/^\[|\]$/g, "");
    if (isForbidden(literal)) callback(new ForbiddenAddress(literal), null);
    else connect(target, callback);
  };
}

const guardedLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error !== null) return callback(error, "", 0);
    const allowed = found.filter((candidate) => !isForbidden(candidate.address));
    const [first] = allowed;
    if (first === undefined) return callback(new ForbiddenAddress(host), "", 0);
    if (options.all === true) callback(null, allowed);
    else callback(null, first.address, first.family);
  });
};
