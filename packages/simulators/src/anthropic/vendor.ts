/** Anthropic: its paths, its key check, and the headers that every answer has. */

import type { Call, Reply } from "../reply.ts";
import type { JsonObject, ReadBody, Shop, Vendor } from "../vendor.ts";
import { countTokens } from "./count-tokens.ts";
import { errorReply, requestId } from "./errors.ts";
import { messages } from "./messages.ts";
import { getModel, listModels } from "./models.ts";

const endpoints: Record<string, typeof messages> = {
  "/messages": messages,
  "/messages/count_tokens": countTokens,
};

export const anthropic: Vendor = {
  headers,
  refuseKey,
  readBody,
  error: errorReply,
  answer(call, body, knobs, shop) {
    if (call.headers["anthropic-version"] === undefined)
      return errorReply(call, 400, "anthropic-version: header is required");
    const endpoint = endpoints[call.path];
    if (endpoint !== undefined) {
      if (call.method !== "POST") return errorReply(call, 405, "Method Not Allowed");
      if (typeof body.model !== "string" || body.model === "") return errorReply(call, 400, "model: Field required");
      if (shop.models !== undefined && !shop.models.includes(body.model))
        return errorReply(call, 404, `model: ${body.model}`);
      return endpoint(call, { ...body, model: body.model }, knobs, shop);
    }
    if (call.path === "/models" && call.method === "GET") return listModels(call, shop);
    if (call.path.startsWith("/models/") && call.method === "GET")
      return getModel(call, call.path.slice("/models/".length), shop);
    return errorReply(call, 404, "Not Found");
  },
};

function headers(call: Call): Record<string, string> {
  const resets = new Date(call.nowMs + 60_000).toISOString().replace(/\.\d+/, "");
  return {
    "request-id": requestId(call),
    "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
    "anthropic-ratelimit-requests-limit": "4000",
    "anthropic-ratelimit-requests-remaining": String(4000 - (call.number % 4000)),
    "anthropic-ratelimit-requests-reset": resets,
    "anthropic-ratelimit-tokens-limit": "480000",
    "anthropic-ratelimit-tokens-remaining": "479000",
    "anthropic-ratelimit-tokens-reset": resets,
    "anthropic-ratelimit-input-tokens-limit": "400000",
    "anthropic-ratelimit-input-tokens-remaining": "399000",
    "anthropic-ratelimit-input-tokens-reset": resets,
    "anthropic-ratelimit-output-tokens-limit": "80000",
    "anthropic-ratelimit-output-tokens-remaining": "80000",
    "anthropic-ratelimit-output-tokens-reset": resets,
  };
}

/** Older SDKs send `x-api-key`, those of 2026 a bearer token. */
function refuseKey(call: Call, shop: Shop): Reply | undefined {
  if (shop.expectedKey === undefined) return undefined;
  const shown = call.headers["x-api-key"] ?? /^Bearer (.+)$/i.exec(String(call.headers.authorization ?? ""))?.[1];
  if (shown === shop.expectedKey) return undefined;
  return errorReply(call, 401, shown === undefined ? "x-api-key header is required" : "invalid x-api-key");
}

function readBody(call: Call): ReadBody {
  let body: unknown;
  try {
    body = JSON.parse(call.body.toString("utf8"));
  } catch {
    return { kind: "refused", reply: errorReply(call, 400, "The request body is not valid JSON") };
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return { kind: "refused", reply: errorReply(call, 400, "Input should be an object") };
  }
  return { kind: "body", body: body as JsonObject };
}
