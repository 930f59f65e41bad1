/** Dialect: what a wire format's callers expect of answers that the gateway itself makes, and how its answers are read. */

import type { LengthEnd, StreamReader } from "./answer-reader.ts";
import * as anthropicError from "./anthropic/build-error.ts";
import * as anthropicEnd from "./anthropic/build-length-end.ts";
import * as anthropicModels from "./anthropic/build-models.ts";
import { AnthropicStreamReader } from "./anthropic/read-stream.ts";
import { readUsage as readAnthropicUsage } from "./anthropic/read-usage.ts";
import * as openaiError from "./openai/build-error.ts";
import * as openaiEnd from "./openai/build-length-end.ts";
import * as openaiModels from "./openai/build-models.ts";
import { OpenAIStreamReader } from "./openai/read-stream.ts";
import { readUsage as readOpenAIUsage } from "./openai/read-usage.ts";
import type { Usage } from "./usage.ts";

export type Protocol = "openai" | "anthropic";

export type Dialect = {
  readonly protocol: Protocol;
  /** In sentences: `OpenAI`, `Anthropic`. */
  readonly title: string;
  buildError(error: openaiError.ErrorText): string;
  buildErrorEvent(error: openaiError.ErrorText): string;
  /** The events that end a stream in its own way, as one that has reached its length. */
  buildLengthEnd(end: LengthEnd): string;
  buildModelList(models: readonly openaiModels.ModelInfo[], page: anthropicModels.ModelPage): string;
  buildModel(model: openaiModels.ModelInfo): string;
  /** From the member `usage` of an answer in one piece, and OpenAI's `service_tier` beside it. */
  readUsage(usage: unknown, serviceTier?: unknown): Usage | undefined;
  /** `choices`: as the request asks for (1). */
  createStreamReader(choices?: number): StreamReader;
};

const openai: Dialect = {
  protocol: "openai",
  title: "OpenAI",
  ...openaiError,
  ...openaiEnd,
  ...openaiModels,
  readUsage: readOpenAIUsage,
  createStreamReader: (choices) => new OpenAIStreamReader(choices),
};

const anthropic: Dialect = {
  protocol: "anthropic",
  title: "Anthropic",
  ...anthropicError,
  ...anthropicEnd,
  ...anthropicModels,
  readUsage: readAnthropicUsage,
  createStreamReader: () => new AnthropicStreamReader(),
};

export const dialects: Readonly<Record<Protocol, Dialect>> = { openai, anthropic };
