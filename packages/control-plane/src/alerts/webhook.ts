/**
 * One POST to a receiver that a Budget names. Addresses that serve machine credentials are never connected to, under whatever
 * name; redirects are not followed, and of the answer only its status is read. The secret and the URL's query stay out of errors.
 */

import { type LookupAddress, lookup } from "node:dns";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { isMetadataHost } from "@sluice/contract";

export type WebhookPost = { readonly url: string; readonly headers: Record<string, string>; readonly body: string };
export type Posted =
  | { readonly kind: "accepted" }
  /** `lasting`: trying again would not help, as the address is never called. */
  | { readonly kind: "failed"; readonly reason: string; readonly lasting: boolean };

/** A receiver that takes longer does its work before it answers: it is called again. */
const answerMsMax = 10_000;

export function post({ url, headers, body }: WebhookPost, signal: AbortSignal): Promise<Posted> {
  const target = URL.parse(url);
  if (target === null || !/^https?:$/.test(target.protocol)) return failed("its URL is not one of http or https", true);
  const literal = target.hostname.replace(/^\[|\]$/g, "");
  if (isForbidden(literal)) return failed(forbidden(literal), true);
  const send = target.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((done) => {
    const fail = (error: NodeJS.ErrnoException) =>
      done({
        kind: "failed",
        reason: `${target.host}: ${error.message || error.code || "no connection"}`,
        lasting: false,
      });
    const request = send(target, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      lookup: guardedLookup,
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]),
    });
    request.on("error", fail);
    request.on("response", (response) => {
      const status = response.statusCode ?? 0;
      response.destroy();
      if (status >= 200 && status < 300) done({ kind: "accepted" });
      else done({ kind: "failed", reason: `${target.host} answered ${status}`, lasting: false });
    });
    request.end(body);
  });
}

/** "This host": reaches loopback on Linux. */
const unspecified = new BlockList();
unspecified.addSubnet("0.0.0.0", 8, "ipv4");
unspecified.addAddress("::", "ipv6");

function isForbidden(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return isMetadataHost(host);
  // A resolver may answer `::ffff:169.254.169.254`; a URL brings every form into one.
  const plain = family === 6 ? new URL(`http://[${host.replace(/%.*$/, "")}]`).hostname : host;
  return isMetadataHost(plain) || unspecified.check(host, family === 6 ? "ipv6" : "ipv4");
}

/** Looks at what the name resolves to for this very connection: a name that changes later is looked at again. */
const guardedLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error !== null) return callback(error, "", 0);
    const allowed = found.filter(({ address }) => !isForbidden(address));
    const [first] = allowed;
    if (first === undefined) return callback(new Error(forbidden(host)), "", 0);
    if (options.all === true) callback(null, allowed);
    else callback(null, first.address, first.family);
  });
};

function forbidden(host: string): string {
  return `${host} is a link-local or metadata address, which is never called`;
}

function failed(reason: string, lasting: boolean): Promise<Posted> {
  return Promise.resolve({ kind: "failed", reason, lasting });
}
