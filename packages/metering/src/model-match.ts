/** Which entry of a catalog a model's name means: the one that says it exactly, else the longest prefix with a star. */

export function modelMatch<Model extends { readonly match: string }>(
  models: readonly Model[],
  name: string,
): Model | undefined {
  let best: Model | undefined;
  for (const model of models) {
    if (model.match === name) return model;
    if (!model.match.endsWith("*") || !name.startsWith(model.match.slice(0, -1))) continue;
    if (best === undefined || model.match.length > best.match.length) best = model;
  }
  return best;
}
