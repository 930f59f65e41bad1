/**
 * The provider's answer headers that its caller gets. An allow-list: cookies, the shared account's rate limits and organization
 * end here. Our request id takes the place of the provider's, which goes into the usage record.
 */

import type { IncomingHttpHeaders } from "undici/types/header.js";

const passed = [
  "content-type",
  "content-language",
  "cache-control",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "openai-processing-ms",
  "openai-version",
  "openai-model",
  "server-timing",
];

export function answerHeaders(requestId: string, upstream: IncomingHttpHeaders): Record<string, string | number> {
  const headers: Record<string, string | number> = {
    "x-request-id": requestId,
    "request-id": requestId,
    "x-sluice-request-id": requestId,
  };
  for (const name of passed) {
    const value = upstream[name];
    if (typeof value === "string") headers[name] = value;
  }
  return headers;
}

export function upstreamRequestId(upstream: IncomingHttpHeaders): string | undefined {
  const id = upstream["x-request-id"] ?? upstream["request-id"];
  return typeof id === "string" ? id.slice(0, 200) : undefined;
}
