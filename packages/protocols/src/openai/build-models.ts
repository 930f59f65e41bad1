/** OpenAI's model list and single model. */

export type ModelInfo = { readonly id: string /** Unix seconds. */; readonly createdAt: number };

export function buildModelList(models: readonly ModelInfo[]): string {
  return JSON.stringify({ object: "list", data: models.map(modelObject) });
}

export function buildModel(model: ModelInfo): string {
  return JSON.stringify(modelObject(model));
}

function modelObject(model: ModelInfo) {
  return { id: model.id, object: "model", created: model.createdAt, owned_by: "sluice" };
}
