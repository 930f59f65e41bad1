/** `POST /messages/count_tokens`: the same figure that `messages` tells as its input, cached parts included. */

import { tokensOfJson } from "../answer/count-tokens.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { Call, Reply } from "../reply.ts";
import type { JsonObject } from "../vendor.ts";
import { errorReply } from "./errors.ts";

export function countTokens(call: Call, body: JsonObject & { model: string }, knobs: Knobs): Reply {
  if (!Array.isArray(body.messages)) return errorReply(call, 400, "messages: Field required");
  const input_tokens = knobs["huge-usage"] ? 1_000_000_000_000 : inputTokens(body);
  return { kind: "json", status: 200, headers: { "content-type": "application/json" }, body: { input_tokens } };
}

export function inputTokens(body: JsonObject): number {
  return tokensOfJson(body.messages) + tokensOfJson(body.system ?? []) + tokensOfJson(body.tools ?? []) + 3;
}
