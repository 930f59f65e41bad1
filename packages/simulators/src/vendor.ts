/** A vendor as the listener sees it. `openai/` and `anthropic/` hold one each. */

import type { PromptCache } from "./answer/prompt-cache.ts";
import type { Knobs } from "./knobs/knobs.ts";
import type { Call, Headers, Reply } from "./reply.ts";

/** What the endpoints of a vendor share within one simulator. */
export type Shop = {
  /** The key that callers must show; undefined: anything goes, no key too. */
  readonly expectedKey: string | undefined;
  /** The models there are; undefined: the vendor's usual ones are listed, and any name is served. */
  readonly models: readonly string[] | undefined;
  readonly promptCache: PromptCache;
};

/** A body that was read, or the reply that refuses it. */
export type ReadBody =
  | { readonly kind: "body"; readonly body: JsonObject }
  | { readonly kind: "refused"; readonly reply: Reply };

export type JsonObject = Record<string, unknown>;

export type Vendor = {
  /** Headers of every answer: request id, limits. */
  headers(call: Call): Headers;
  /** The key check, or undefined when it passes. */
  refuseKey(call: Call, shop: Shop): Reply | undefined;
  /** A JSON object, or the vendor's words for what is wrong with it. */
  readBody(call: Call): ReadBody;
  /** The error that a vendor answers with this status. */
  error(call: Call, status: number, message?: string): Reply;
  /** `body` is empty for GET; its `model` has no knobs any more. */
  answer(call: Call, body: JsonObject, knobs: Knobs, shop: Shop): Reply;
};
