import { expect, test } from "vitest";
import { AnthropicStreamReader } from "./anthropic/read-stream.ts";
import { OpenAIStreamReader } from "./openai/read-stream.ts";

const chunk = (fields: object) =>
  Buffer.from(`data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", ...fields })}\n\n`);
const delta = (fields: object, finish: string | null = null) =>
  chunk({ choices: [{ index: 0, delta: fields, finish_reason: finish }], usage: null });
const event = (name: string, fields: object) =>
  Buffer.from(`event: ${name}\ndata: ${JSON.stringify({ type: name, ...fields })}\n\n`);

function marks(reader: OpenAIStreamReader | AnthropicStreamReader, events: readonly Buffer[]) {
  return events.map((one) => reader.read(one));
}

test("OpenAI: the role opens, text is content, the usage chunk is told apart, and the whole is complete", () => {
  const reader = new OpenAIStreamReader();
  const usage = chunk({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } });
  const done = Buffer.from("data: [DONE]\n\n");
  expect(
    marks(reader, [
      Buffer.from(": keep-alive\n\n"),
      delta({ role: "assistant", content: "" }),
      delta({ content: "hi" }),
      delta({ content: ' "usage":{"prompt_tokens":99}' }),
      delta({}, "stop"),
      usage,
      done,
    ]),
  ).toEqual(["opening", "opening", "content", "content", "content", "usage", "content"]);
  expect(reader.usage).toMatchObject({ input: 5, output: 2 });
  expect(reader.complete()).toBe(true);
});

test("OpenAI: a stream without its end marker is complete when a choice has finished, and cut when none has", () => {
  const finished = new OpenAIStreamReader();
  marks(finished, [
    delta({ content: "hi" }),
    delta({}, "stop"),
    chunk({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }),
  ]);
  expect(finished.complete()).toBe(true);
  const cut = new OpenAIStreamReader();
  marks(cut, [delta({ content: "hi" }), delta({ content: '"finish_reason":"stop"' })]);
  expect(cut.complete()).toBe(false);
});

test("OpenAI: a last piece of text that comes with the end, or with usage, is read as all three", () => {
  const reader = new OpenAIStreamReader();
  reader.read(delta({ content: "hi" }));
  reader.read(delta({ content: "ho" }, "stop"));
  expect([reader.complete(), reader.contentEvents, reader.contentBytes]).toEqual([true, 2, 4]);
  const cut = new OpenAIStreamReader();
  cut.read(delta({ content: "hi" }));
  cut.read(
    chunk({ choices: [{ index: 0, delta: { content: "ho" } }], usage: { prompt_tokens: 1, completion_tokens: 2 } }),
  );
  expect([cut.complete(), cut.contentBytes, cut.usage?.output]).toEqual([false, 4, 2]);
});

test("OpenAI: of several usages the last counts", () => {
  const reader = new OpenAIStreamReader();
  const running = (completion: number) =>
    chunk({
      choices: [{ index: 0, delta: { content: "x" }, finish_reason: null }],
      usage: { prompt_tokens: 5, completion_tokens: completion },
    });
  expect(marks(reader, [running(1), running(2), running(3)])).toEqual(["content", "content", "content"]);
  expect(reader.usage).toMatchObject({ input: 5, output: 3 });
});

test.for([
  [{ tool_calls: [{ index: 0, id: "call_1", function: { name: "f", arguments: "" } }] }],
  [{ reasoning_content: "hm" }],
  [{ refusal: "no" }],
  [{ function_call: { name: "f" } }],
])("OpenAI: %j is content", ([fields]) => {
  expect(new OpenAIStreamReader().read(delta(fields as object))).toBe("content");
});

test("OpenAI: an error event is told with its type and words, at any time", () => {
  const reader = new OpenAIStreamReader();
  reader.read(delta({ content: "hi" }));
  expect(reader.read(Buffer.from('data: {"error":{"message":"overloaded","type":"server_error","code":7}}\n\n'))).toBe(
    "error",
  );
  expect(reader.error).toEqual({ type: "server_error", message: "overloaded" });
});

test("Anthropic: start, ping and an empty block open; a delta is content; usage is merged; message_stop completes", () => {
  const reader = new AnthropicStreamReader();
  const events = [
    event("message_start", { message: { usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 } } }),
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    event("ping", {}),
    event("content_block_delta", { index: 0, delta: { type: "text_delta", text: "hi" } }),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 9 } }),
  ];
  expect(marks(reader, events)).toEqual(["opening", "opening", "opening", "content", "content", "content"]);
  expect(reader.complete()).toBe(false);
  reader.read(event("message_stop", {}));
  expect(reader.complete()).toBe(true);
  expect(reader.usage).toMatchObject({ input: 10, cacheRead: 5, output: 9 });
});

test("Anthropic: a tool call is content when its block starts", () => {
  expect(
    new AnthropicStreamReader().read(
      event("content_block_start", { index: 0, content_block: { type: "tool_use", id: "t", name: "f", input: {} } }),
    ),
  ).toBe("content");
});

test("Anthropic: an error event is told with its type and words", () => {
  const reader = new AnthropicStreamReader();
  expect(reader.read(event("error", { error: { type: "overloaded_error", message: "Overloaded" } }))).toBe("error");
  expect(reader.error).toEqual({ type: "overloaded_error", message: "Overloaded" });
});

test.for([
  ["data: {\n\n"],
  ["data: [1,2]\n\n"],
  ["data: null\n\n"],
  ["data:\n\n"],
  ["\n"],
  [": c\n\n"],
  ['data: {"choices":5}\n\n'],
  ['data: {"choices":[null,7]}\n\n'],
  ["event: message_delta\ndata: 5\n\n"],
  ["event: error\n\n"],
])("%j is answered by both readers, never thrown at", ([text]) => {
  expect(typeof new OpenAIStreamReader().read(Buffer.from(text as string))).toBe("string");
  expect(typeof new AnthropicStreamReader().read(Buffer.from(text as string))).toBe("string");
});

test("OpenAI: what a model has written is counted, in UTF-8 bytes, and ends, roles and empty deltas are not", () => {
  const reader = new OpenAIStreamReader();
  const call = { index: 0, id: "call_1", type: "function", function: { name: "find", arguments: "" } };
  marks(reader, [
    delta({ role: "assistant", content: "" }),
    delta({ content: "héé" }),
    Buffer.from(
      'data: {"choices": [{"index": 0, "delta": {"content": "\\u4e1c\\n\\ud83d\\ude00"}, "finish_reason": null}]}\n\n',
    ),
    delta({ content: "" }),
    delta({}),
    Buffer.from(": still working\n\n"),
    delta({ content: null, reasoning_content: "hm" }),
    delta({ tool_calls: [call] }),
    delta({ tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] }),
    delta({}, "tool_calls"),
    chunk({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 6 } }),
  ]);
  expect(reader.contentEvents).toBe(5);
  expect(reader.contentBytes).toBe(5 + (3 + 1 + 4) + 2 + 4 + 7);
});

test("OpenAI: fast and slow reading count alike, and a text that quotes the protocol changes nothing", () => {
  const texts = [
    "a",
    '"content":"x',
    '"finish_reason":"stop"',
    '"usage":{"prompt_tokens":9}',
    '\\"',
    "東京",
    '"error":{}',
  ];
  const one = new OpenAIStreamReader();
  const several = new OpenAIStreamReader(2);
  for (const text of texts)
    for (const reader of [one, several]) expect(reader.read(delta({ content: text }))).toBe("content");
  expect(one.contentBytes).toBe(Buffer.byteLength(texts.join("")));
  expect([several.contentBytes, several.contentEvents]).toEqual([one.contentBytes, one.contentEvents]);
  expect(one.complete()).toBe(false);
  expect(one.usage).toBeUndefined();
});

test("OpenAI: a running usage is not the last word, the one at the end is, and zeros beside content are flagged", () => {
  const reader = new OpenAIStreamReader();
  const running = { prompt_tokens: 5, completion_tokens: 1 };
  reader.read(chunk({ choices: [{ index: 0, delta: { content: "x" }, finish_reason: null }], usage: running }));
  expect([reader.usageTold, reader.usage?.output]).toEqual([false, 1]);
  reader.read(
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: { ...running, completion_tokens: 3 } }),
  );
  expect([reader.usageTold, reader.usage?.output, reader.usage?.inconsistent]).toEqual([true, 3, undefined]);
  reader.read(chunk({ choices: [], service_tier: "flex", usage: { prompt_tokens: 5, completion_tokens: 0 } }));
  expect(reader.usage).toMatchObject({ input: 5, output: 0, serviceTier: "flex", inconsistent: true });
});

test("Anthropic: what a model has written is counted; signatures, starts of texts and results are not", () => {
  const reader = new AnthropicStreamReader();
  const write = (index: number, fields: object) => event("content_block_delta", { index, delta: fields });
  marks(reader, [
    event("message_start", { message: { usage: { input_tokens: 10, output_tokens: 1 } } }),
    event("content_block_start", { index: 0, content_block: { type: "thinking", thinking: "", signature: "" } }),
    write(0, { type: "thinking_delta", thinking: "hm" }),
    write(0, { type: "signature_delta", signature: "c2ln" }),
    event("content_block_stop", { index: 0 }),
    event("content_block_start", { index: 1, content_block: { type: "text", text: "" } }),
    write(1, { type: "text_delta", text: "é" }),
    write(1, { type: "citations_delta", citation: { cited_text: "long" } }),
    event("content_block_stop", { index: 1 }),
    event("content_block_start", { index: 2, content_block: { type: "web_search_tool_result", content: [] } }),
    event("content_block_stop", { index: 2 }),
    event("content_block_start", { index: 3, content_block: { type: "tool_use", id: "t", name: "find", input: {} } }),
    write(3, { type: "input_json_delta", partial_json: "" }),
    write(3, { type: "input_json_delta", partial_json: "{}" }),
  ]);
  expect(reader.contentEvents).toBe(4);
  expect(reader.contentBytes).toBe(2 + 2 + 4 + 2);
  expect(reader.state.openBlock).toEqual({ index: 3, isBareTool: false });
  expect([reader.usageTold, reader.usage?.input]).toEqual([false, 10]);
  reader.read(event("message_delta", { delta: { stop_reason: "tool_use" }, usage: { output_tokens: 12 } }));
  expect([reader.usageTold, reader.usage?.output]).toEqual([true, 12]);
});

test("Anthropic: a stream whose end tells no usage has none for good", () => {
  const reader = new AnthropicStreamReader();
  reader.read(event("message_start", { message: { usage: { input_tokens: 0, output_tokens: 0 } } }));
  reader.read(event("message_delta", { delta: { stop_reason: "end_turn" }, usage: {} }));
  expect([reader.usageTold, reader.usage]).toEqual([false, undefined]);
});
