/** OpenAI's error bodies, by status: `{"error":{message,type,param,code}}`. */

import type { Reply } from "../reply.ts";

type Told = { readonly type: string; readonly code: string | null; readonly message: string };

const byStatus: Record<number, Told> = {
  400: { type: "invalid_request_error", code: null, message: "The request was refused, as was asked for." },
  401: { type: "invalid_request_error", code: "invalid_api_key", message: "Incorrect API key provided." },
  403: { type: "invalid_request_error", code: "unsupported_country_region_territory", message: "Not allowed here." },
  404: {
    type: "invalid_request_error",
    code: "model_not_found",
    message: "The model does not exist or you do not have access to it.",
  },
  409: { type: "invalid_request_error", code: "conflict", message: "Try again." },
  413: { type: "invalid_request_error", code: null, message: "The request is too large." },
  422: { type: "invalid_request_error", code: null, message: "The request could not be processed." },
  429: { type: "requests", code: "rate_limit_exceeded", message: "Rate limit reached. Please try again later." },
  503: { type: "server_error", code: null, message: "The engine is currently overloaded, please try again later." },
};

export function errorReply(status: number, told: Partial<Told & { param: string }> = {}): Reply {
  const usual = byStatus[status] ?? {
    type: status >= 500 ? "server_error" : "invalid_request_error",
    code: null,
    message: "The server had an error while processing your request.",
  };
  return {
    kind: "json",
    status,
    headers: { "content-type": "application/json" },
    body: { error: { message: usual.message, type: usual.type, param: null, code: usual.code, ...told } },
  };
}

export function invalid(message: string, param: string | null = null, code: string | null = null): Reply {
  return {
    kind: "json",
    status: 400,
    headers: { "content-type": "application/json" },
    body: { error: { message, type: "invalid_request_error", param, code } },
  };
}

export function modelNotFound(model: string): Reply {
  return errorReply(404, { message: `The model \`${model}\` does not exist or you do not have access to it.` });
}
