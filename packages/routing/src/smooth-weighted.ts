/**
 * Smooth weighted round robin: over any run of calls as long as the sum of the weights each target has exactly its share, and
 * a heavy one's calls do not come bunched (the algorithm of nginx's upstream module).
 */

export type WeightedState = { readonly weights: readonly number[]; readonly credits: number[] };

export function createWeightedState(weights: readonly number[]): WeightedState {
  return { weights, credits: weights.map(() => 0) };
}

/**
 * The index that takes the next call, among those that `eligible` lets pass; −1 when none does. Targets of weight 0 are taken
 * only when no other is eligible, the first of them first.
 */
export function nextWeighted(state: WeightedState, eligible: (index: number) => boolean): number {
  let total = 0;
  let best = -1;
  let spare = -1;
  for (let index = 0; index < state.weights.length; index++) {
    if (!eligible(index)) continue;
    const weight = state.weights[index] as number;
    if (weight === 0) {
      if (spare < 0) spare = index;
      continue;
    }
    total += weight;
    const credit = (state.credits[index] as number) + weight;
    state.credits[index] = credit;
    if (best < 0 || credit > (state.credits[best] as number)) best = index;
  }
  if (best < 0) return spare;
  state.credits[best] = (state.credits[best] as number) - total;
  return best;
}
