/** `POST /completions`, the legacy endpoint: a prompt or several, each with n choices; a stream of `text_completion` objects. */

import { composeAnswer } from "../answer/compose-answer.ts";
import { tokensOfText } from "../answer/count-tokens.ts";
import { idOf } from "../answer/ids.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { Call, Reply, StreamEvent } from "../reply.ts";
import type { JsonObject } from "../vendor.ts";
import { finishReason } from "./chat.ts";
import { errorWire, streamHeaders } from "./chat-stream.ts";
import { invalid } from "./errors.ts";
import { spentOn, usageOf } from "./usage.ts";

/** What the vendor takes when `max_tokens` is left out. */
const usualTokensMax = 16;

export function completions(call: Call, body: JsonObject & { model: string }, knobs: Knobs): Reply {
  const prompts = typeof body.prompt === "string" ? [body.prompt] : body.prompt;
  if (prompts === undefined)
    return invalid("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter");
  if (!Array.isArray(prompts) || !prompts.every((prompt) => typeof prompt === "string")) {
    return invalid("Invalid type for 'prompt': expected a string or an array of strings.", "prompt", "invalid_type");
  }
  const perPrompt = Number.isInteger(body.n) ? (body.n as number) : 1;
  // The best of several are answered; all of them were generated.
  const generated = Number.isInteger(body.best_of) ? Math.max(perPrompt, body.best_of as number) : perPrompt;
  const candidates = prompts.flatMap((prompt, at) =>
    Array.from({ length: generated }, (_, choice) =>
      composeAnswer(
        {
          model: body.model,
          digest: call.digest,
          choice: at * generated + choice,
          lastUserText: prompt,
          afterToolResult: false,
          tools: [],
          toolChoice: "none",
          parallelTools: false,
          json: undefined,
          tokensMax: typeof body.max_tokens === "number" ? body.max_tokens : (knobs.tokens ?? usualTokensMax),
          stops: typeof body.stop === "string" ? [body.stop] : Array.isArray(body.stop) ? body.stop.map(String) : [],
          reasoningTokens: 0,
        },
        knobs,
      ),
    ),
  );
  const answers = candidates.filter((_, at) => at % generated < perPrompt);
  const promptTokens = prompts.reduce((sum, prompt) => sum + tokensOfText(prompt), 0);
  const spent = spentOn(body.model, { tokens: promptTokens, cachedTokens: 0 }, candidates, knobs);
  const usage = usageOf(spent, knobs);
  const frame = {
    id: idOf("cmpl-", 29, call),
    object: "text_completion",
    created: Math.floor(call.nowMs / 1000),
    model: body.model,
  };
  const choice = (index: number, text: string, finish_reason: string | null) => ({
    text,
    index,
    logprobs: null,
    finish_reason,
  });

  if (body.stream !== true) {
    const choices = answers.map((answer, index) => choice(index, answer.text.join(""), finishReason(answer)));
    const whole = { ...frame, choices, ...(usage === undefined ? {} : { usage }) };
    return { kind: "json", status: 200, headers: { "content-type": "application/json" }, body: whole, spent };
  }
  const usageAsked = (body.stream_options as JsonObject | undefined)?.include_usage === true;
  const wire = (choices: unknown[], told: object | null = null) =>
    `data: ${JSON.stringify({ ...frame, choices, ...(usageAsked ? { usage: told } : {}) })}\n\n`;
  const events: StreamEvent[] = answers.flatMap((answer, index) => [
    ...answer.text.map((piece) => ({ wire: wire([choice(index, piece, null)]), tokens: 1, content: true })),
    { wire: wire([choice(index, "", finishReason(answer))]), tokens: 0, content: false },
  ]);
  if (usageAsked && usage) events.push({ wire: wire([], usage), tokens: 0, content: false });
  if (!knobs["no-done"]) events.push({ wire: "data: [DONE]\n\n", tokens: 0, content: false });
  return { kind: "events", headers: streamHeaders, events, errorWire, spent };
}
