/** Amounts of an account as people read them. */

import type { LimitUnit } from "@sluice/contract";
import { nanoUsdToDecimal } from "@sluice/metering";

/** `$12.50`, `3000 tokens`. */
export function amountText(unit: LimitUnit, amount: number | bigint): string {
  switch (unit) {
    case "nanoUsd":
      return `$${nanoUsdToDecimal(BigInt(amount))}`;
    case "tokens":
      return counted(amount, "token");
    case "requests":
      return counted(amount, "request");
    case "slots":
      return counted(amount, "call");
  }
}

function counted(amount: number | bigint, word: string): string {
  return `${amount} ${word}${Number(amount) === 1 ? "" : "s"}`;
}
