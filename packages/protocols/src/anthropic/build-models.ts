/** Anthropic's model list and single model. */

import type { ModelInfo } from "../openai/build-models.ts";

/** `limit`, `after`, `before`: as in the query of `GET /v1/models`. */
export type ModelPage = { readonly limit: number; readonly after?: string; readonly before?: string };

export function buildModelList(models: readonly ModelInfo[], page: ModelPage): string {
  const ids = models.map((model) => model.id);
  const after = page.after === undefined ? 0 : ids.indexOf(page.after) + 1;
  const before = page.before === undefined ? models.length : Math.max(0, ids.indexOf(page.before));
  const rest = models.slice(after, before);
  const shown = page.before === undefined ? rest.slice(0, page.limit) : rest.slice(-page.limit);
  return JSON.stringify({
    data: shown.map(modelObject),
    has_more: shown.length < rest.length,
    first_id: shown[0]?.id ?? null,
    last_id: shown.at(-1)?.id ?? null,
  });
}

export function buildModel(model: ModelInfo): string {
  return JSON.stringify(modelObject(model));
}

function modelObject(model: ModelInfo) {
  const createdAt = new Date(model.createdAt * 1000).toISOString().replace(".000Z", "Z");
  return { type: "model", id: model.id, display_name: model.id, created_at: createdAt };
}
