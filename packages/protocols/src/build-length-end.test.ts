/** Ends that we write ourselves are read back by the same readers, and leave nothing open. */

import { expect, test } from "vitest";
import { AnthropicStreamReader } from "./anthropic/read-stream.ts";
import { dialects } from "./dialect.ts";
import { OpenAIStreamReader } from "./openai/read-stream.ts";
import { eventParts } from "./sse/event-data.ts";
import { EventSplitter } from "./sse/event-splitter.ts";

const chunk = (choices: object[], object = "chat.completion.chunk") =>
  Buffer.from(`data: ${JSON.stringify({ id: "c1", object, created: 7, model: "m", choices })}\n\n`);
const event = (name: string, fields: object) =>
  Buffer.from(`event: ${name}\ndata: ${JSON.stringify({ type: name, ...fields })}\n\n`);
const eventsOf = (text: string) => new EventSplitter().push(Buffer.from(text));
const objectsOf = (text: string) =>
  eventsOf(text)
    .map((one) => eventParts(one).data ?? "")
    .map((data) => (data === "[DONE]" ? data : JSON.parse(data)));

const tokens = { inputTokens: 10, outputTokens: 5, usageAsked: false };
const frame = { id: "c1", object: "chat.completion.chunk", created: 7, model: "m" };

test("OpenAI: the choice that is open finishes by length, with what all chunks have alike, and the stream is complete", () => {
  const reader = new OpenAIStreamReader();
  reader.read(chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]));
  reader.read(chunk([{ index: 0, delta: { content: "hi" }, finish_reason: null }]));
  expect(reader.complete()).toBe(false);
  const end = dialects.openai.buildLengthEnd({ ...tokens, state: reader.state });
  expect(objectsOf(end)).toEqual([
    { ...frame, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: "length" }] },
    "[DONE]",
  ]);
  for (const one of eventsOf(end)) reader.read(one);
  expect(reader.complete()).toBe(true);
  expect(reader.state.openChoices).toEqual([]);
});

test("OpenAI: usage is told in a chunk of its own where the caller asked, and null before", () => {
  const reader = new OpenAIStreamReader();
  reader.read(chunk([{ index: 0, delta: { content: "hi" }, finish_reason: null }]));
  const end = dialects.openai.buildLengthEnd({ ...tokens, usageAsked: true, state: reader.state });
  expect(objectsOf(end).map((one) => one.usage)).toEqual([
    null,
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
    undefined,
  ]);
});

test("OpenAI: of several choices those that have finished stay as they are, and one that never began has a role", () => {
  const reader = new OpenAIStreamReader(3);
  reader.read(chunk([{ index: 0, delta: { role: "assistant", content: "hi" }, finish_reason: null }]));
  reader.read(chunk([{ index: 1, delta: { role: "assistant", content: "ho" }, finish_reason: null }]));
  reader.read(chunk([{ index: 0, delta: {}, finish_reason: "stop" }]));
  const end = objectsOf(dialects.openai.buildLengthEnd({ ...tokens, state: reader.state }));
  expect(end.slice(0, -1).map((one) => one.choices[0])).toEqual([
    { index: 1, delta: {}, logprobs: null, finish_reason: "length" },
    { index: 2, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null },
    { index: 2, delta: {}, logprobs: null, finish_reason: "length" },
  ]);
});

test("OpenAI: the legacy endpoint's choices have texts", () => {
  const reader = new OpenAIStreamReader();
  reader.read(chunk([{ index: 0, text: "hi", finish_reason: null }], "text_completion"));
  reader.read(chunk([{ index: 1, text: "ho", finish_reason: null }], "text_completion"));
  const end = objectsOf(dialects.openai.buildLengthEnd({ ...tokens, state: reader.state }));
  expect(end.slice(0, -1).map((one) => [one.object, one.choices[0]])).toEqual([
    ["text_completion", { index: 0, text: "", logprobs: null, finish_reason: "length" }],
    ["text_completion", { index: 1, text: "", logprobs: null, finish_reason: "length" }],
  ]);
});

test("Anthropic: the open block ends, then the message with max_tokens and its usage", () => {
  const reader = new AnthropicStreamReader();
  reader.read(event("message_start", { message: { usage: { input_tokens: 10, output_tokens: 1 } } }));
  reader.read(event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }));
  reader.read(event("content_block_delta", { index: 0, delta: { type: "text_delta", text: "hi" } }));
  const end = dialects.anthropic.buildLengthEnd({ ...tokens, state: reader.state });
  expect(eventsOf(end).map((one) => eventParts(one).name)).toEqual([
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  expect(objectsOf(end)).toEqual([
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "max_tokens", stop_sequence: null }, usage: { output_tokens: 5 } },
    { type: "message_stop" },
  ]);
  for (const one of eventsOf(end)) reader.read(one);
  expect(reader.complete()).toBe(true);
  expect(reader.usage).toMatchObject({ input: 10, output: 5 });
  expect(reader.state.openBlock).toBeUndefined();
});

test("Anthropic: between two blocks nothing is left to stop", () => {
  const reader = new AnthropicStreamReader();
  reader.read(event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }));
  reader.read(event("content_block_stop", { index: 0 }));
  const end = dialects.anthropic.buildLengthEnd({ ...tokens, state: reader.state });
  expect(objectsOf(end).map((one) => one.type)).toEqual(["message_delta", "message_stop"]);
});

test("Anthropic: a tool whose arguments never began gets an empty piece of them", () => {
  const reader = new AnthropicStreamReader();
  reader.read(
    event("content_block_start", { index: 1, content_block: { type: "tool_use", id: "t", name: "f", input: {} } }),
  );
  const end = objectsOf(dialects.anthropic.buildLengthEnd({ ...tokens, state: reader.state }));
  expect(end.slice(0, 2)).toEqual([
    { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: "" } },
    { type: "content_block_stop", index: 1 },
  ]);
});
