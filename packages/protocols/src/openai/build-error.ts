/** Errors in OpenAI's shape: `{"error":{"message","type","param","code"}}`. SDKs choose their exception class by status. */

export type ErrorText = {
  readonly status: number;
  readonly message: string;
  /** One stable word, such as `model_not_found`. */
  readonly code: string;
  readonly param?: string;
  readonly requestId: string;
};

export function buildError(error: ErrorText): string {
  const { message, code, status } = error;
  return JSON.stringify({ error: { message, type: errorType(status), param: error.param ?? null, code } });
}

/** The event that ends a stream which can't go on. No `[DONE]` follows. */
export function buildErrorEvent(error: ErrorText): string {
  return `data: ${buildError(error)}\n\n`;
}

function errorType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_exceeded";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
