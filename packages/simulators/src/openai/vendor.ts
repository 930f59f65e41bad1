/** OpenAI: its paths, its key check, and the headers that every answer has. */

import { idOf } from "../answer/ids.ts";
import type { Call, Reply } from "../reply.ts";
import type { JsonObject, ReadBody, Shop, Vendor } from "../vendor.ts";
import { chatCompletions } from "./chat-completions.ts";
import { completions } from "./completions.ts";
import { embeddings } from "./embeddings.ts";
import { errorReply, invalid, modelNotFound } from "./errors.ts";
import { getModel, listModels } from "./models.ts";

const endpoints: Record<string, typeof chatCompletions> = {
  "/chat/completions": chatCompletions,
  "/completions": completions,
  "/embeddings": embeddings,
};

export const openai: Vendor = {
  headers,
  refuseKey,
  readBody,
  error: (_call, status, message) => errorReply(status, message === undefined ? {} : { message }),
  answer(call, body, knobs, shop) {
    const endpoint = endpoints[call.path];
    if (endpoint !== undefined) {
      if (call.method !== "POST")
        return errorReply(405, { message: `Not allowed to ${call.method} on /v1${call.path}` });
      if (typeof body.model !== "string" || body.model === "") return invalid("you must provide a model parameter");
      if (shop.models !== undefined && !shop.models.includes(body.model)) return modelNotFound(body.model);
      return endpoint(call, { ...body, model: body.model }, knobs, shop);
    }
    if (call.path === "/models" && call.method === "GET") return listModels(shop);
    if (call.path.startsWith("/models/") && call.method === "GET")
      return getModel(call.path.slice("/models/".length), shop);
    return errorReply(404, { message: `Invalid URL (${call.method} /v1${call.path})`, code: null });
  },
};

function headers(call: Call): Record<string, string> {
  return {
    "x-request-id": idOf("req_", 32, call),
    "openai-organization": "simulated",
    "openai-processing-ms": "12",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-requests": String(10_000 - (call.number % 10_000)),
    "x-ratelimit-remaining-tokens": "1999000",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-reset-tokens": "30ms",
  };
}

function refuseKey(call: Call, shop: Shop): Reply | undefined {
  if (shop.expectedKey === undefined) return undefined;
  const shown = /^Bearer (.+)$/i.exec(String(call.headers.authorization ?? ""))?.[1];
  if (shown === shop.expectedKey) return undefined;
  if (shown !== undefined) {
    return errorReply(401, {
      message: `Incorrect API key provided: ${shown.slice(0, 6)}***. You can find your API key in your account.`,
    });
  }
  return errorReply(401, {
    message: "You didn't provide an API key. Send it in an Authorization header (Bearer).",
    code: null,
  });
}

function readBody(call: Call): ReadBody {
  let body: unknown;
  try {
    body = JSON.parse(call.body.toString("utf8"));
  } catch {
    return { kind: "refused", reply: invalid("We could not parse the JSON body of your request.") };
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return { kind: "refused", reply: invalid("The body of your request must be a JSON object.") };
  }
  return { kind: "body", body: body as JsonObject };
}
