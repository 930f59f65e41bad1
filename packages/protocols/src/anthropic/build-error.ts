/** Errors in Anthropic's shape: `{"type":"error","error":{"type","message"},"request_id"}`. */

import type { ErrorText } from "../openai/build-error.ts";

export function buildError(error: ErrorText): string {
  return JSON.stringify({
    type: "error",
    error: { type: errorType(error.status), message: error.message, details: { error_code: error.code } },
    request_id: error.requestId,
  });
}

/** The event that ends a stream which can't go on. No `message_stop` follows. */
export function buildErrorEvent(error: ErrorText): string {
  return `event: error\ndata: ${buildError(error)}\n\n`;
}

/** The types that Anthropic documents for a status; SDKs of today choose their class by status, older code by type. */
function errorType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 409:
      return "conflict_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}
