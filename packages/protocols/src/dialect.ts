/** Dialect: what a wire format's callers expect of answers that the gateway itself makes, and how its answers are read. */

import type { StreamReader } from "./answer-reader.ts";
import * as anthropicError from "./anthropic/build-error.ts";
import * as anthropicModels from "./anthropic/build-models.ts";
import { AnthropicStreamReader } from "./anthropic/read-stream.ts";
import { readUsage as readAnthropicUsage } from "./anthropic/read-usage.ts";
import * as openaiError from "./openai/build-error.ts";
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
  buildModelList(models: readonly openaiModels.ModelInfo[], page: anthropicModels.ModelPage): string;
  buildModel(model: openaiModels.ModelInfo): string;
  /** From the member `usage` of an answer in one piece. */
  readUsage(usage: unknown): Usage | undefined;
  createStreamReader(): StreamReader;
};

const openai: Dialect = {
  protocol: "openai",
  title: "OpenAI",
  ...openaiError,
  ...openaiModels,
  readUsage: readOpenAIUsage,
  createStreamReader: () => new OpenAIStreamReader(),
};

const anthropic: Dialect = {
  protocol: "anthropic",
  title: "Anthropic",
  ...anthropicError,
  ...anthropicModels,
  readUsage: readAnthropicUsage,
  createStreamReader: () => new AnthropicStreamReader(),
};

export const dialects: Readonly<Record<Protocol, Dialect>> = { openai, anthropic };
