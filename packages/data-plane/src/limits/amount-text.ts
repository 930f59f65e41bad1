/** Amounts of an account as people read them. */

import type { LimitUnit } from "@sluice/contract";
import { nanoUsdToDecimal } from "@sluice/metering";

/** `$12.50`, `3000 tokens`. */
export function amountText(unit: LimitUnit, amount: number | bigint): string {
  switch (unit) {
    case "nanoUsd":
      return `$${nanoUsdToDecimal(BigInt(amount))}`;
    case "tokens":
      return `${amount} tokens`;
    case "requests":
      return `${amount} requests`;
    case "slots":
      return `${amount} calls`;
  }
}
