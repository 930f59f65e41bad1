/** What one upstream call holds of the limits while it runs, and what it is priced by. */

import type { LimitUnit, PricePlan } from "@sluice/contract";
import type { Holder, Reservation as Taken } from "@sluice/limits";
import type { Charge, Worst } from "./charge.ts";
import type { AppliedRule } from "./limit-table.ts";

export type AttemptHold = Reservation & {
  /** `<exchange id>.<attempt>`. */
  readonly id: string;
  readonly price: PricePlan | undefined;
  /** Undefined: no limit of this call counts money or tokens. */
  readonly worst: Worst | undefined;
};

/** Taken of all accounts in one step. The desk alone makes and ends it. */
export type Reservation = {
  /** In the order of what the holder has given. */
  readonly parts: readonly ReservedPart[];
  readonly taken: Taken;
  /** Who gave it: after a session was lost to somebody else, another holder gives. */
  readonly holder: Holder;
};
export type ReservedPart = { readonly rule: AppliedRule; readonly account: string; readonly amount: number };

/** What an account of this unit is charged. */
export function chargedAmount(unit: LimitUnit, charge: Charge): number {
  switch (unit) {
    case "nanoUsd":
      return Number((charge.costNanoUsd ?? 0n) + charge.heldNanoUsd);
    case "tokens":
      return charge.tokens + charge.heldTokens;
    case "requests":
      return 1;
    case "slots":
      return 0;
  }
}
