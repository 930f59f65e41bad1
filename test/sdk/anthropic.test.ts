/** Anthropic's own client for Node, unmodified: what it does with answers of every kind. Its errors are in `anthropic-errors.test.ts`. */

import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { direct, type Rig, startRig, tokensIn, waysIn } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const ask = {
  model: "claude-sonnet-5-5",
  max_tokens: 500,
  messages: [{ role: "user" as const, content: "Hello, 東京" }],
};
const opening = /^This is claude-sonnet-5-5, simulated\. You said: “Hello, 東京”\./;

const input_schema = { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] };
const askTools = {
  ...ask,
  messages: [{ role: "user" as const, content: "What do weather and clock say?" }],
  tools: [
    { name: "weather", input_schema },
    { name: "clock", input_schema },
  ],
};

function textOf(message: Anthropic.Message): string {
  return message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

describe.each([direct, ...waysIn])("$name", (way) => {
  beforeEach(() => rig.enter(way));

  test("answers, with usage and a request id", async () => {
    const message = await new Anthropic().messages.create({ ...ask, system: "Be kind" });
    expect(textOf(message)).toMatch(opening);
    expect(message).toMatchObject({ role: "assistant", stop_reason: "end_turn", stop_sequence: null });
    expect(message.usage.output_tokens).toBe(tokensIn(textOf(message)));
    expect(message._request_id).toMatch(/\w{16}/);
  });

  test("streams its events in their order", async () => {
    let text = "";
    const types: string[] = [];
    for await (const event of await new Anthropic().messages.create({ ...ask, stream: true })) {
      if (event.type === "content_block_delta" && event.delta.type === "text_delta") text += event.delta.text;
      if (types.at(-1) !== event.type) types.push(event.type);
    }
    expect(text).toMatch(opening);
    expect(tokensIn(text)).toBeGreaterThan(10);
    expect(types).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
  });

  test("its stream helper puts a whole message together", async () => {
    let heard = "";
    const stream = new Anthropic().messages.stream(ask).on("text", (delta) => {
      heard += delta;
    });
    const message = await stream.finalMessage();
    expect(textOf(message)).toBe(heard);
    expect(heard).toMatch(opening);
    expect(message.usage.output_tokens).toBe(tokensIn(heard));
    expect(message.usage.input_tokens).toBeGreaterThan(0);
  });

  test("calls tools in parallel, whole and streamed, and takes their results", async () => {
    const client = new Anthropic();
    for (const message of [
      await client.messages.create(askTools),
      await client.messages.stream(askTools).finalMessage(),
    ]) {
      expect(message.stop_reason).toBe("tool_use");
      const calls = message.content.filter((block) => block.type === "tool_use");
      expect(calls.map((call) => call.name)).toEqual(["weather", "clock"]);
      for (const call of calls) expect(call.input).toEqual({ city: expect.any(String) });

      const results = calls.map((call) => ({ type: "tool_result" as const, tool_use_id: call.id, content: "fine" }));
      const turns = [
        ...askTools.messages,
        { role: "assistant" as const, content: message.content },
        { role: "user" as const, content: results },
      ];
      expect(await client.messages.create({ ...askTools, messages: turns })).toMatchObject({ stop_reason: "end_turn" });
    }
  });

  test("thinks first, whole and streamed, with a signature that stays whole", async () => {
    const asked = { ...ask, max_tokens: 2000, thinking: { type: "enabled" as const, budget_tokens: 1024 } };
    for (const message of [
      await new Anthropic().messages.create(asked),
      await new Anthropic().messages.stream(asked).finalMessage(),
    ]) {
      const [thought, text] = message.content;
      expect(thought).toMatchObject({ type: "thinking", thinking: expect.stringMatching(/\w+ \w+/) });
      if (thought?.type === "thinking")
        expect(Buffer.from(thought.signature, "base64").toString()).toMatch(/^simulated [0-9a-f]{64}$/);
      expect(text).toMatchObject({ type: "text", text: expect.stringMatching(opening) });
    }
  });

  test("a marked prefix is written to the cache, then read from it", async () => {
    const system = [
      {
        type: "text" as const,
        text: `Be kind on ${way.path}. `.repeat(40),
        cache_control: { type: "ephemeral" as const },
      },
    ];
    const first = await new Anthropic().messages.create({ ...ask, system });
    const second = await new Anthropic().messages.stream({ ...ask, system }).finalMessage();
    expect(first.usage.cache_creation_input_tokens).toBeGreaterThan(100);
    expect(second.usage.cache_read_input_tokens).toBe(first.usage.cache_creation_input_tokens);
    expect(second.usage.cache_creation_input_tokens).toBe(0);
  });

  test("a limit and a stop sequence", async () => {
    const client = new Anthropic();
    expect(await client.messages.create({ ...ask, max_tokens: 2 })).toMatchObject({
      stop_reason: "max_tokens",
      content: [{ text: "This is" }],
    });
    const stopped = await client.messages.create({ ...ask, stop_sequences: ["simulated"] });
    expect(stopped).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: "simulated" });
  });

  test("tokens are counted as usage counts them", async () => {
    const { model, messages } = ask;
    const counted = await new Anthropic().messages.countTokens({ model, messages, system: "Be kind" });
    const { usage } = await new Anthropic().messages.create({ ...ask, system: "Be kind" });
    expect(counted.input_tokens).toBe(usage.input_tokens);
  });

  test("models are listed, page after page, and one is looked up", async () => {
    const listed: string[] = [];
    for await (const model of new Anthropic().models.list({ limit: 1 })) listed.push(model.id);
    expect(listed).toEqual(expect.arrayContaining(["claude-sonnet-5-5", "claude-haiku-4-5"]));
    expect(new Set(listed).size).toBe(listed.length);
    expect(await new Anthropic().models.retrieve("claude-sonnet-5-5")).toMatchObject({
      type: "model",
      id: "claude-sonnet-5-5",
    });
  });
});
