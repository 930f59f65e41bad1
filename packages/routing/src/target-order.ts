/**
 * The order in which one exchange tries the targets of its Route: those of tier 0 by weight, then tier 1, and so on; when all
 * have been tried and calls are left, the first tier again.
 */

import { createWeightedState, nextWeighted, type WeightedState } from "./smooth-weighted.ts";

/** One Route's state, shared by its exchanges. */
export type TierStates = readonly WeightedState[];

export function createTierStates(tiers: readonly (readonly { readonly weight: number }[])[]): TierStates {
  return tiers.map((targets) => createWeightedState(targets.map((target) => target.weight)));
}

export type Pick = {
  readonly tier: number;
  readonly index: number /** This exchange has called it before. */;
  readonly again: boolean;
};

export class TargetOrder {
  readonly #states: TierStates;
  readonly #usable: (tier: number, index: number) => boolean;
  /** A few places: a list is searched faster than a Set is made. */
  readonly #tried: number[] = [];

  /** `usable`: whether this exchange may call a target at all. */
  constructor(states: TierStates, usable: (tier: number, index: number) => boolean) {
    this.#states = states;
    this.#usable = usable;
  }

  /** The next target, or undefined when none is usable. */
  next(): Pick | undefined {
    return this.#untried() ?? this.#any();
  }

  /** Whether `next` would give a target that was not tried yet. */
  hasUntried(): boolean {
    return this.#states.some((state, tier) => state.weights.some((_weight, index) => this.#isUntried(tier, index)));
  }

  #untried(): Pick | undefined {
    for (let tier = 0; tier < this.#states.length; tier++) {
      const index = nextWeighted(this.#states[tier] as WeightedState, (candidate) => this.#isUntried(tier, candidate));
      if (index < 0) continue;
      this.#tried.push(placeOf(tier, index));
      return { tier, index, again: false };
    }
    return undefined;
  }

  #any(): Pick | undefined {
    for (let tier = 0; tier < this.#states.length; tier++) {
      const index = nextWeighted(this.#states[tier] as WeightedState, (candidate) => this.#usable(tier, candidate));
      if (index >= 0) return { tier, index, again: true };
    }
    return undefined;
  }

  #isUntried(tier: number, index: number): boolean {
    return this.#usable(tier, index) && !this.#tried.includes(placeOf(tier, index));
  }
}

/** A Route has far fewer targets than this in a tier. */
const placesPerTier = 1024;

function placeOf(tier: number, index: number): number {
  return tier * placesPerTier + index;
}
