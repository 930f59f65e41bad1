/** What became of a call, in one word: `served`, or the code of its refusal. */

import OpenAI from "openai";

export type Ask = {
  readonly model?: string;
  readonly maxTokens?: number;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Words that are not the end of it: the call is made again, as its client would. */
  readonly again?: readonly string[];
};

/** On a machine that is busy with other tests the record may take longer than a call waits for it. */
const slowRecord = ["limit_unavailable"];
const triesMax = 100;
const pauseMs = 100;

export async function outcomeOf(client: OpenAI, ask: Ask = {}): Promise<string> {
  const { again = slowRecord } = ask;
  for (let tries = 1; ; tries++) {
    const word = await callOnce(client, ask);
    if (!again.includes(word) || tries === triesMax) return word;
    await new Promise((wake) => setTimeout(wake, pauseMs));
  }
}

function callOnce(client: OpenAI, ask: Ask): Promise<string> {
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
