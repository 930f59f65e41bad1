/** Which thresholds an account has reached, in ascending order. Pure integers: 79.999 % is not 80 %. */

export function crossedPercents(
  account: { readonly spent: bigint; readonly amount: bigint },
  percents: readonly number[],
): number[] {
  const { spent, amount } = account;
  // A limit of nothing is full from the start, and has nothing to warn of.
  if (amount <= 0n) return [];
  return [...new Set(percents)].sort((a, b) => a - b).filter((percent) => spent * 100n >= amount * BigInt(percent));
}

/** Rounded down: 100 is said only of what is full. */
export function percentOf(spent: bigint, amount: bigint): number {
  if (amount <= 0n) return spent > 0n ? 100 : 0;
  return Number((spent * 100n) / amount);
}
