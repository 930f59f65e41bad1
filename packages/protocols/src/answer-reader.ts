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
  /** As far as told. */
  readonly usage: Usage | undefined;
  /** The provider's own words, after `error`. */
  readonly error: { readonly type: string; readonly message: string } | undefined;
  /** Whether the answer has reached its end: asked when the connection ended. */
  complete(): boolean;
};
