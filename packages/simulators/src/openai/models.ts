/** `GET /models` and `GET /models/{id}`. OpenAI's list has no pages. */

import type { Reply } from "../reply.ts";
import type { Shop } from "../vendor.ts";
import { modelNotFound } from "./errors.ts";

const usualModels = [
  "gpt-4o",
  "gpt-4o-mini",
  "o4-mini",
  "gpt-3.5-turbo-instruct",
  "text-embedding-3-small",
  "text-embedding-3-large",
];

export function listModels(shop: Shop): Reply {
  return json({ object: "list", data: (shop.models ?? usualModels).map(modelObject) });
}

export function getModel(id: string, shop: Shop): Reply {
  const model = decodeURIComponent(id);
  return (shop.models ?? usualModels).includes(model) ? json(modelObject(model)) : modelNotFound(model);
}

function modelObject(id: string): object {
  return { id, object: "model", created: 1715367049, owned_by: "system" };
}

function json(body: unknown): Reply {
  return { kind: "json", status: 200, headers: { "content-type": "application/json" }, body };
}
