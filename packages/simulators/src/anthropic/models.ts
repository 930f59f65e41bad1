/** `GET /models`, in pages (`limit`, `after_id`, `before_id`), and `GET /models/{id}`. */

import type { Call, Reply } from "../reply.ts";
import type { Shop } from "../vendor.ts";
import { errorReply } from "./errors.ts";

const usualModels = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-sonnet-4-5", "claude-haiku-4-5"];
const usualLimit = 20;
const limitMax = 1000;

export function listModels(call: Call, shop: Shop): Reply {
  const query = new URLSearchParams(call.query);
  const limit = Number(query.get("limit") ?? usualLimit);
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
    return errorReply(call, 400, `limit: Input should be a whole number from 1 to ${limitMax}`);
  }
  const all = shop.models ?? usualModels;
  const after = query.get("after_id");
  const before = query.get("before_id");
  const start = after === null ? 0 : all.indexOf(after) + 1;
  const end = before === null ? all.length : Math.max(0, all.indexOf(before));
  const page = before === null ? all.slice(start, start + limit) : all.slice(Math.max(start, end - limit), end);
  const hasMore = before === null ? start + limit < all.length : end - limit > start;
  return json({
    data: page.map(modelObject),
    has_more: hasMore,
    first_id: page[0] ?? null,
    last_id: page.at(-1) ?? null,
  });
}

export function getModel(call: Call, id: string, shop: Shop): Reply {
  const model = decodeURIComponent(id);
  return (shop.models ?? usualModels).includes(model)
    ? json(modelObject(model))
    : errorReply(call, 404, `model: ${model}`);
}

function modelObject(id: string): object {
  const display_name = id
    .split("-")
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join(" ");
  return { type: "model", id, display_name, created_at: "2025-09-29T00:00:00Z" };
}

function json(body: unknown): Reply {
  return { kind: "json", status: 200, headers: { "content-type": "application/json" }, body };
}
