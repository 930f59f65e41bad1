/** Amounts of accounts as people read them: dollars as exact decimals, all else as whole numbers. */

import type { LimitUnit } from "@sluice/contract";
import { nanoUsdToDecimal } from "@sluice/metering";

export function amountText(amount: bigint, unit: LimitUnit): string {
  return unit === "nanoUsd" ? nanoUsdToDecimal(amount) : amount.toString();
}

export function unitWord(unit: LimitUnit): "USD" | "tokens" | "requests" | "slots" {
  return unit === "nanoUsd" ? "USD" : unit;
}
