/** The end of an OpenAI stream that has reached its length: a finish for each open choice, usage where it is asked for, `[DONE]`. */

import type { LengthEnd } from "../answer-reader.ts";

export function buildLengthEnd({ state, inputTokens, outputTokens, usageAsked }: LengthEnd): string {
  const { id = "", object = "chat.completion.chunk", created = 0, model = "", openChoices } = state;
  const isText = object === "text_completion";
  const chunk = (choices: readonly object[], usage: object | null) =>
    `data: ${JSON.stringify({ id, object, created, model, choices, ...(usageAsked ? { usage } : {}) })}\n\n`;
  const finishes = openChoices.map(({ index, begun }) => {
    const end = { logprobs: null, finish_reason: "length" };
    if (isText) return chunk([{ index, text: "", ...end }], null);
    // SDKs throw at the end of an answer that never had a role.
    const role = { index, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null };
    return (begun ? "" : chunk([role], null)) + chunk([{ index, delta: {}, ...end }], null);
  });
  const usage = {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
  return `${finishes.join("")}${usageAsked ? chunk([], usage) : ""}data: [DONE]\n\n`;
}
