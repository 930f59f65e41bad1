/** Anthropic's error bodies, by status: `{"type":"error","error":{type,message},"request_id"}`. */

import { idOf } from "../answer/ids.ts";
import type { Call, Reply } from "../reply.ts";

const byStatus: Record<number, { type: string; message: string }> = {
  400: { type: "invalid_request_error", message: "The request was refused, as was asked for." },
  401: { type: "authentication_error", message: "invalid x-api-key" },
  402: { type: "billing_error", message: "Your credit balance is too low." },
  403: { type: "permission_error", message: "Your API key does not have permission to use the specified resource." },
  404: { type: "not_found_error", message: "Not found" },
  409: { type: "conflict_error", message: "Conflict" },
  413: { type: "request_too_large", message: "Request exceeds the maximum size" },
  429: { type: "rate_limit_error", message: "This request would exceed your rate limit. Please try again later." },
  500: { type: "api_error", message: "Internal server error" },
  504: { type: "timeout_error", message: "Request timed out" },
  529: { type: "overloaded_error", message: "Overloaded" },
};

export function errorReply(call: Call, status: number, message?: string): Reply {
  const usual = byStatus[status] ?? byStatus[status >= 500 ? 500 : 400]!;
  return {
    kind: "json",
    status,
    headers: { "content-type": "application/json" },
    body: {
      type: "error",
      error: { ...usual, ...(message === undefined ? {} : { message }) },
      request_id: requestId(call),
    },
  };
}

export function requestId(call: Call): string {
  return idOf("req_01", 22, call);
}
