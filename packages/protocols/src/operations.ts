/**
 * Operations: what can be asked of the gateway, each with the path that follows a base URL and a version segment.
 * SDKs differ in whether their base URL ends in `/v1`, and some add one of their own, so a path is served with none, one or two.
 */

import type { Protocol } from "./dialect.ts";

export type Operation = {
  /** As in usage records and metrics; the field's own names. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly method: "GET" | "POST";
  /** Without version: `/chat/completions`. */
  readonly path: string;
  /** Whether the answer can be a stream of events. */
  readonly streams: boolean;
};

/** Operations that one of our targets answers. */
export const modelOperations = [
  { name: "chat.completions", protocol: "openai", method: "POST", path: "/chat/completions", streams: true },
  { name: "completions", protocol: "openai", method: "POST", path: "/completions", streams: true },
  { name: "embeddings", protocol: "openai", method: "POST", path: "/embeddings", streams: false },
  { name: "messages", protocol: "anthropic", method: "POST", path: "/messages", streams: true },
  {
    name: "messages.count_tokens",
    protocol: "anthropic",
    method: "POST",
    path: "/messages/count_tokens",
    streams: false,
  },
] as const satisfies readonly Operation[];

/** Asked of the gateway itself; which protocol's shape the caller expects is told by its headers. */
export const modelsPath = "/models";

/** Version segments before an operation's path. */
export const versionPrefixes = ["", "/v1", "/v1/v1"] as const;
