/** Bill: what the attempts of one exchange have cost so far, and what each account was charged for them. */

import type { BillingReason } from "@sluice/contract";
import type { Charge } from "./charge.ts";

export type Bill = {
  /** Undefined: no attempt was priced. */
  costNanoUsd: bigint | undefined;
  heldNanoUsd: bigint;
  estimated: boolean;
  reason: BillingReason | undefined;
  /** `version` of the last attempt's price. */
  price: string | undefined;
  serviceTier: string | undefined;
  /** By `accountId`, in the account's unit. */
  readonly charges: Map<string, number>;
};

export function newBill(): Bill {
  return {
    ...{ costNanoUsd: undefined, heldNanoUsd: 0n, estimated: false, reason: undefined },
    ...{ price: undefined, serviceTier: undefined, charges: new Map<string, number>() },
  };
}

/** Adds an attempt. Of several reasons the last one stays that tells of money: an attempt that cost nothing tells little. */
export function addCharge(bill: Bill, charge: Charge, price: string | undefined): void {
  const isFirst = bill.costNanoUsd === undefined && bill.reason === undefined;
  const tellsMore = charge.reason === "NotBilled" ? isFirst : charge.reason !== undefined;
  if (tellsMore || bill.reason === "NotBilled") bill.reason = charge.reason;
  if (charge.costNanoUsd !== undefined) bill.costNanoUsd = (bill.costNanoUsd ?? 0n) + charge.costNanoUsd;
  bill.heldNanoUsd += charge.heldNanoUsd;
  bill.estimated ||= charge.estimated;
  bill.price = price ?? bill.price;
}

export function addToAccount(bill: Bill, account: string, amount: number): void {
  bill.charges.set(account, (bill.charges.get(account) ?? 0) + amount);
}

/** Members of a `UsageEvent`, as JSON after others. */
export function billMembers(bill: Bill): string {
  return (
    (bill.costNanoUsd === undefined ? "" : `,"costNanoUsd":${bill.costNanoUsd}`) +
    (bill.heldNanoUsd === 0n ? "" : `,"heldNanoUsd":${bill.heldNanoUsd}`) +
    (bill.estimated ? ',"estimated":true' : "") +
    (bill.reason === undefined ? "" : `,"billingReason":"${bill.reason}"`) +
    (bill.price === undefined ? "" : `,"price":${JSON.stringify(bill.price)}`) +
    (bill.serviceTier === undefined ? "" : `,"serviceTier":${JSON.stringify(bill.serviceTier)}`) +
    (bill.charges.size === 0 ? "" : `,"charges":${JSON.stringify([...bill.charges])}`)
  );
}
