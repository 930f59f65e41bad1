export type { Pick, TierStates } from "./target-order.ts";
export { createTierStates, TargetOrder } from "./target-order.ts";
