/** A message before it has a form: whole (`messages.ts`) or a stream (`messages-stream.ts`). */

import type { Spent } from "../bill.ts";
import type { JsonObject } from "../vendor.ts";

/** A whole content block, as a message has it. */
export type Block =
  | { readonly type: "thinking"; readonly pieces: readonly string[]; readonly signature: string }
  | { readonly type: "text"; readonly pieces: readonly string[] }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly pieces: readonly string[] };

export type Message = {
  readonly id: string;
  readonly model: string;
  readonly blocks: readonly Block[];
  readonly stopReason: string;
  readonly stopSequence: string | null;
  readonly usage: JsonObject;
  readonly spent: Spent;
};
