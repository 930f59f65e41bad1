/** A lease request as it came over the bus: what the record can't keep is refused or left out, before it meets others' requests. */

import { type Family, type LeaseRequest, leaseRequest } from "@sluice/contract";
import type { Limits } from "@sluice/limits";

/** Throws what is wrong, without a value. */
export function readRequest(value: Uint8Array, limits: Limits): LeaseRequest {
  const parsed = leaseRequest.safeParse(parsedJson(value));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`A lease request is none: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const request = parsed.data;
  const { session, epoch, instanceName } = request;
  if (![session, epoch, instanceName].every(isStorable) || session.includes("/"))
    throw new Error("A lease request is none: a name has characters that no text can keep");
  return {
    ...request,
    leases: request.leases.filter(({ family }) => isNameable(family)),
    asks: request.asks.filter(({ family }) => isNameable(family) && isShapedAs(limits, family)),
  };
}

function parsedJson(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString());
  } catch {
    throw new Error("A lease request is none: it is not JSON");
  }
}

/** Its parts become parts of an account's id, percent-encoded: half a surrogate pair can't be. */
function isNameable({ limit, rule, values }: Family): boolean {
  return [limit, rule, ...values].every((part) => part.isWellFormed());
}

/** A pod that has not heard of a changed `per` yet: its account is one of before, out of which nothing is granted any more. */
function isShapedAs(limits: Limits, { limit, values }: Family): boolean {
  const per = limits.get(limit)?.per;
  return per === undefined || per.length === values.length;
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
