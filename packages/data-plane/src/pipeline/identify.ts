/** What is asked: protocol and operation, from the raw path and the headers. Who asks is `authenticate`'s question. */

import { dialects } from "@sluice/protocols";
import { type Exchange, refuse } from "../exchange.ts";
import { readHeaders } from "../http/request-headers.ts";
import { findPath } from "../runtime/path-table.ts";

const upstreamQuery = /^\?[\x21-\x7e]{0,2048}$/;

export function identify(exchange: Exchange): Exchange {
  const { incoming, runtime } = exchange;
  const headers = readHeaders(incoming.rawHeaders);
  exchange.headers = headers;
  if (headers.speaksAnthropic) exchange.dialect = dialects.anthropic;
  if (runtime === undefined) return refuse(exchange, { code: "not_ready" });

  const url = incoming.url ?? "";
  const question = url.indexOf("?");
  const path = question < 0 ? url : url.slice(0, question);
  const method = incoming.method ?? "";
  const found = findPath(runtime.paths, headers.host, path);
  if (found === undefined) return refuse(exchange, { code: "path_unknown", method, path: shown(path) });

  const { entry } = found;
  exchange.gateway = entry.gateway;
  exchange.modelId = found.modelId;
  switch (entry.kind) {
    case "operation":
      exchange.operation = entry.operation;
      exchange.dialect = dialects[entry.operation.protocol];
      if (method !== entry.operation.method)
        return refuse(exchange, { code: "method_not_allowed", method, allow: entry.operation.method });
      break;
    case "models":
    case "prices":
      exchange.local = entry.kind;
      if (method !== "GET" && method !== "HEAD")
        return refuse(exchange, { code: "method_not_allowed", method, allow: "GET" });
      break;
    case "base":
      exchange.local = "base";
      // Claude Code asks HEAD of its base URL before its first call, without a key.
      if (method !== "HEAD") return refuse(exchange, { code: "path_unknown", method, path: shown(path) });
      break;
    case "responses":
      // Codex tries a WebSocket first: 426 makes it fall back at once, 404 after seven attempts (facts: protocols §1.5).
      return refuse(
        exchange,
        headers.upgrade === undefined
          ? { code: "operation_unsupported", operation: "responses" }
          : { code: "websocket_unsupported" },
      );
  }
  if (headers.problem !== undefined) return refuse(exchange, headers.problem);
  const encoding = headers.contentEncoding;
  if (encoding !== undefined && encoding !== "" && encoding.toLowerCase() !== "identity") {
    return refuse(exchange, { code: "content_encoding_unsupported", encoding: shown(encoding) });
  }
  if (question >= 0) {
    exchange.query = url.slice(question);
    if (exchange.operation !== undefined && !upstreamQuery.test(exchange.query)) {
      return refuse(exchange, {
        code: "body_invalid",
        message: "The query of the URL holds characters that must be percent-encoded, or is too long.",
      });
    }
  }
  return exchange;
}

/** Callers' text in a message: printable and short. */
function shown(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, "?");
  return printable.length > 100 ? `${printable.slice(0, 100)}…` : printable;
}
