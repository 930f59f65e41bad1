/** What a gateway must know of an answer that passes by. One implementation a wire format; `relay` in the data plane drives it. */

import type { Usage } from "./usage.ts";

/**
 * - `opening`: nothing that a model has written: role, ping, message_start, a comment
 * - `content`: text, tool call, reasoning, or the end of an answer that has none
 * - `usage`: tells usage and nothing else: withheld from a caller who did not ask
 * - `error`: the provider gives up
 */
export type EventMark = "opening" | "content" | "usage" | "error";

export type StreamReader = {
  /** One whole event. */
  read(event: Buffer): EventMark;
  /** As far as told: a running figure before the answer's end, where the provider tells one. */
  readonly usage: Usage | undefined;
  /** Whether `usage` is the provider's last word. */
  readonly usageTold: boolean;
  /** Events so far with something that a model has written; each stands for a token at least. */
  readonly contentEvents: number;
  /** UTF-8 bytes that the model has written so far: text, reasoning that is shown, arguments of tools. */
  readonly contentBytes: number;
  /** What an end needs that we write ourselves: `buildLengthEnd` of the dialect. */
  readonly state: StreamState;
  /** The provider's own words, after `error`. */
  readonly error: { readonly type: string; readonly message: string } | undefined;
  /** Whether the answer has reached its end: asked when the connection ended. */
  complete(): boolean;
};

/** Of a stream that is under way. */
export type StreamState = {
  /** OpenAI: what all chunks of a stream have alike. */
  readonly id?: string;
  readonly object?: string;
  readonly created?: number;
  readonly model?: string;
  /** OpenAI: answers without an end so far. `begun`: the caller has heard of it. */
  readonly openChoices: readonly { readonly index: number; readonly begun: boolean }[];
  /** Anthropic: the block that has not ended. `isBareTool`: a tool's, none of its arguments came. */
  readonly openBlock?: { readonly index: number; readonly isBareTool: boolean };
};

/** An end that we write for an answer that must not go on: it has reached what was reserved for it. */
export type LengthEnd = {
  readonly state: StreamState;
  /** What is charged: for the usage that the caller is told. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** OpenAI: the caller wants the usage event. */
  readonly usageAsked: boolean;
};
