/**
 * A chat completion as a stream:
 *   role for each choice · deltas, choices taking turns · finish for each choice · usage when asked · [DONE]
 * When usage was asked for, every chunk before it has `usage: null`.
 */

import type { Answer } from "../answer/compose-answer.ts";
import { idOf } from "../answer/ids.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { Reply, StreamEvent } from "../reply.ts";
import { type Chat, finishReason } from "./chat.ts";

export const errorWire =
  'data: {"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}\n\n';

export const streamHeaders = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" };

export function chatStream(chat: Chat, usageAsked: boolean, knobs: Knobs): Reply {
  const chunk = (choices: unknown[], usage: object | null = null): string =>
    `data: ${JSON.stringify({
      id: chat.id,
      object: "chat.completion.chunk",
      created: chat.created,
      model: chat.model,
      service_tier: chat.serviceTier,
      system_fingerprint: "fp_simulated",
      choices,
      ...(usageAsked || usage !== null ? { usage } : {}),
    })}\n\n`;
  const choice = (index: number, delta: object, finish_reason: string | null = null) => [
    { index, delta, logprobs: null, finish_reason },
  ];

  const events: StreamEvent[] = chat.answers.map((_, index) => ({
    wire: chunk(choice(index, { role: "assistant", content: "", refusal: null })),
    tokens: 0,
    content: false,
  }));
  for (const { index, delta } of interleaved(chat)) {
    events.push({ wire: chunk(choice(index, delta)), tokens: 1, content: true });
  }
  for (const [index, answer] of chat.answers.entries()) {
    const usage = knobs["usage-twice"] ? chat.usage : undefined;
    events.push({ wire: chunk(choice(index, {}, finishReason(answer)), usage), tokens: 0, content: false });
  }
  if (usageAsked && chat.usage) events.push({ wire: chunk([], chat.usage), tokens: 0, content: false });
  if (!knobs["no-done"]) events.push({ wire: "data: [DONE]\n\n", tokens: 0, content: false });
  return { kind: "events", headers: streamHeaders, events, errorWire, spent: chat.spent };
}

/** The deltas of all choices, one of each in turn. */
function interleaved(chat: Chat): { index: number; delta: object }[] {
  const rows = chat.answers.map((answer, index) => deltasOf(answer, index, chat));
  const longest = Math.max(...rows.map((row) => row.length));
  const all: { index: number; delta: object }[] = [];
  for (let at = 0; at < longest; at++) {
    for (const [index, row] of rows.entries()) {
      const delta = row[at];
      if (delta !== undefined) all.push({ index, delta });
    }
  }
  return all;
}

function deltasOf(answer: Answer, choice: number, chat: Chat): object[] {
  const deltas: object[] = answer.text.map((content) => ({ content }));
  for (const [index, tool] of answer.toolCalls.entries()) {
    const id = idOf("call_", 24, chat.call, `${choice} ${index}`);
    deltas.push({ tool_calls: [{ index, id, type: "function", function: { name: tool.name, arguments: "" } }] });
    for (const piece of tool.argumentPieces) deltas.push({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
  return deltas;
}
