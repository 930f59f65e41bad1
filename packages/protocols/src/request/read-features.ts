/**
 * What of a request decides its worst case: what could make an answer cost more than the body's size and its output cap tell.
 * Read only for calls under a limit. Everything that is not known to be harmless counts as the worst that it could be, since what
 * a body may hold is the vendors' to extend and the caller's to choose; and names are decoded, so no spelling hides one.
 */

import { readAnthropicFeatures } from "../anthropic/read-features.ts";
import { readOpenAIFeatures } from "../openai/read-features.ts";
import type { Operation } from "../operations.ts";
import type { FeatureTally, ServerTool } from "./feature-tally.ts";
import type { RequestFields } from "./read-request.ts";

export type RequestFeatures = {
  /** Images, sounds, documents: their tokens have nothing to do with their bytes. */
  readonly media: boolean;
  /** Content that is not in the body, or that we can't judge: the whole context window. */
  readonly references: boolean;
  /** Tools that the vendor defines, most of which it runs, each call a further reading of the context. */
  readonly serverTools: readonly ServerTool[];
  /** The answer may hold anything but text. */
  readonly audioOutput: boolean;
  /** As asked for; with Anthropic's speed and region, joined by a plus: `fast+us`. */
  readonly serviceTier?: string;
  /** Answers, each with the output cap for itself. */
  readonly choices: number;
  /** The body predicts the output: what of that is rejected is billed as output, beside the cap. */
  readonly prediction: boolean;
  /** A lower output cap than this the vendor refuses: thinking has a budget below the cap. */
  readonly outputCapMin?: number;
};

/** `body`: as `readRequest` has accepted it. */
export function readFeatures(
  body: Buffer,
  fields: RequestFields,
  operation: Pick<Operation, "name" | "protocol">,
): RequestFeatures {
  const tally: FeatureTally = {
    media: false,
    references: false,
    serverTools: [],
    audioOutput: false,
    serviceTier: fields.serviceTier,
    prompts: 0,
    prediction: false,
    outputCapMin: undefined,
  };
  const start = body.indexOf(0x7b);
  if (operation.protocol === "anthropic") readAnthropicFeatures(body, start, tally);
  else readOpenAIFeatures(body, start, tally);
  const { prompts, ...features } = tally;
  return { ...features, choices: fields.choices * Math.max(1, prompts) };
}
