/** What became of a call, in one word: `served`, or the code of its refusal. */

import OpenAI from "openai";

export type Ask = {
  readonly model?: string;
  readonly maxTokens?: number;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export function outcomeOf(client: OpenAI, ask: Ask = {}): Promise<string> {
  const { model = "gpt-4o", maxTokens = 1_000, text = "Hello", headers = {} } = ask;
  return client.chat.completions
    .create(
      { model, max_completion_tokens: maxTokens, messages: [{ role: "user", content: text }] },
      { headers, maxRetries: 0 },
    )
    .then(() => "served", codeOf);
}

function codeOf(error: unknown): string {
  if (error instanceof OpenAI.APIError) return String(error.code ?? error.status);
  throw error;
}

export function countOf(words: readonly string[], word: string): number {
  return words.filter((one) => one === word).length;
}
