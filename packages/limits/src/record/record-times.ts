/** How long the record waits, and for what. */

/** A session that is silent for so long is dead: what its leases have left is written off. */
export const sessionLifeMs = 600_000;

/** Share leases (rates, slots) die earlier; their holders stop at 80 % of it. */
export const shareLifeMs = 30_000;

/** After the record's memory has become another one, it listens for so long before it grants again. */
export const epochHoldMs = 3_000;

/** Between two recalls of one account. */
export const recallEveryMs = 1_000;
