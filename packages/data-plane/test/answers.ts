/** Answers as the vendors write them, for tests that need their very bytes. */

import { answerWith, endChunks, type RawRequest, sendChunk, startEvents } from "@sluice/simulators/raw";

export const completion = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o-2024-08-06",
  choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
});
export const message = JSON.stringify({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5",
  content: [{ type: "tool_use", id: "toolu_1", name: "f", input: { usage: { input_tokens: 7777 } } }],
  stop_reason: "tool_use",
  stop_sequence: null,
  usage: { input_tokens: 11, output_tokens: 5 },
});

export function json(request: RawRequest, body = completion): void {
  answerWith(request, 200, { "content-type": "application/json", "x-request-id": "up_1" }, body);
}

export function chunk(delta: object, finish: string | null = null): string {
  return `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
}
export const role = chunk({ role: "assistant", content: "" });
export const stop = chunk({}, "stop");
export const usageChunk = `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", choices: [], usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 } })}\n\n`;
export const done = "data: [DONE]\n\n";
/** A whole answer; its usage only when the request asks for it. */
export function chatEvents(request: RawRequest): string[] {
  const asked = JSON.parse(request.body.toString()).stream_options?.include_usage === true;
  return [role, chunk({ content: "hé" }), chunk({ content: "llo" }), stop, ...(asked ? [usageChunk] : []), done];
}

const event = (type: string, fields: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
export const messageStart = event("message_start", {
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    content: [],
    model: "claude",
    stop_reason: null,
    usage: { input_tokens: 10, output_tokens: 1 },
  },
});
export const blockStart = event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
export const ping = event("ping", {});
export const textDelta = (text: string) =>
  event("content_block_delta", { index: 0, delta: { type: "text_delta", text } });
const blockStop = event("content_block_stop", { index: 0 });
const messageDelta = event("message_delta", {
  delta: { stop_reason: "end_turn", stop_sequence: null },
  usage: { output_tokens: 34 },
});
const messageStop = event("message_stop", {});
export const messageEvents = [
  messageStart,
  blockStart,
  ping,
  textDelta("hé"),
  textDelta("llo"),
  blockStop,
  messageDelta,
  messageStop,
];

export function stream(request: RawRequest, events: readonly string[]): void {
  startEvents(request);
  for (const text of events) sendChunk(request, text);
  endChunks(request);
}
