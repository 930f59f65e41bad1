/** OpenAI's own client for Node, unmodified: what it does with answers of every kind. Its errors are in `openai-errors.test.ts`. */

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { direct, type Rig, startRig, tokensIn, waysIn } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const ask = { model: "gpt-4o", messages: [{ role: "user" as const, content: "Hello, 東京" }] };
const opening = /^This is gpt-4o, simulated\. You said: “Hello, 東京”\./;

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tool = (name: string) => ({
  type: "function" as const,
  function: { name, description: `Tells the ${name}`, parameters },
});
const askTools = {
  ...ask,
  messages: [{ role: "user" as const, content: "What do weather and clock say?" }],
  tools: [tool("weather"), tool("clock")],
};

describe.each([direct, ...waysIn])("$name", (way) => {
  beforeEach(() => rig.enter(way));

  test("answers, with usage and a request id", async () => {
    const answer = await new OpenAI().chat.completions.create(ask);
    const { message, finish_reason } = answer.choices[0]!;
    expect(message.content).toMatch(opening);
    expect(finish_reason).toBe("stop");
    expect(answer.usage).toMatchObject({
      completion_tokens: tokensIn(message.content ?? ""),
      prompt_tokens: expect.any(Number),
    });
    expect(answer._request_id).toMatch(/\w{16}/);
  });

  test("streams, and tells usage to those alone who ask", async () => {
    for (const stream_options of [undefined, { include_usage: true }]) {
      const stream = await new OpenAI().chat.completions.create({
        ...ask,
        stream: true,
        ...(stream_options && { stream_options }),
      });
      let text = "";
      const usages: number[] = [];
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? "";
        if (chunk.usage) usages.push(chunk.usage.completion_tokens);
        if (stream_options === undefined) expect(chunk.choices).toHaveLength(1);
      }
      expect(text).toMatch(opening);
      expect(usages).toEqual(stream_options === undefined ? [] : [tokensIn(text)]);
    }
  });

  test("its stream helper puts a whole answer together", async () => {
    const stream = new OpenAI().chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
    const [final, content, usage] = [
      await stream.finalChatCompletion(),
      await stream.finalContent(),
      await stream.totalUsage(),
    ];
    expect(final.choices[0]).toMatchObject({ finish_reason: "stop", message: { role: "assistant", content } });
    expect(usage.completion_tokens).toBe(tokensIn(content ?? ""));
  });

  test("several choices arrive, whole and streamed", async () => {
    const whole = await new OpenAI().chat.completions.create({ ...ask, n: 3 });
    const streamed = await new OpenAI().chat.completions.stream({ ...ask, n: 3 }).finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      expect(new Set(choices.map((choice) => choice.message.content)).size).toBe(3);
    }
  });

  test("calls tools in parallel, whole and streamed, and takes their results", async () => {
    const client = new OpenAI();
    const whole = await client.chat.completions.create(askTools);
    const streamed = await client.chat.completions.stream(askTools).finalChatCompletion();
    for (const answer of [whole, streamed]) {
      const { message, finish_reason } = answer.choices[0]!;
      expect(finish_reason).toBe("tool_calls");
      const calls = (message.tool_calls ?? []) as OpenAI.ChatCompletionMessageFunctionToolCall[];
      expect(calls.map((call) => call.function.name)).toEqual(["weather", "clock"]);
      for (const call of calls) expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String) });

      const results = calls.map((call) => ({ role: "tool" as const, tool_call_id: call.id, content: "fine" }));
      const after = await client.chat.completions.create({
        ...askTools,
        messages: [...askTools.messages, message, ...results],
      });
      expect(after.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: expect.any(String) } });
    }
  });

  test("its tool runner runs to the end", async () => {
    const cities: string[] = [];
    const runner = new OpenAI().chat.completions.runTools({
      ...ask,
      stream: true,
      tools: [
        {
          type: "function",
          function: {
            ...tool("weather").function,
            parse: (text: string): { city: string } => JSON.parse(text),
            function: ({ city }: { city: string }) => void cities.push(city),
          },
        },
      ],
    });
    expect(await runner.finalContent()).toMatch(opening);
    expect(cities).toEqual([expect.any(String)]);
  });

  test("structured output parses, whole and streamed", async () => {
    const person = z.object({ name: z.string(), age: z.int().min(0), tags: z.array(z.enum(["a", "b"])) });
    const asked = { ...ask, response_format: zodResponseFormat(person, "person") };
    const whole = await new OpenAI().chat.completions.parse(asked);
    const streamed = await new OpenAI().chat.completions.stream(asked).finalChatCompletion();
    for (const { choices } of [whole, streamed]) expect(person.parse(choices[0]?.message.parsed)).toBeDefined();
  });

  test("a JSON object, a limit, a stop string", async () => {
    const client = new OpenAI();
    const choice = async (more: object) => (await client.chat.completions.create({ ...ask, ...more })).choices[0];
    const json = await choice({ response_format: { type: "json_object" } });
    expect(JSON.parse(json?.message.content ?? "")).toMatchObject({ simulated: true });
    expect(await choice({ max_tokens: 2 })).toMatchObject({ finish_reason: "length", message: { content: "This is" } });
    expect(await choice({ stop: ["simulated"] })).toMatchObject({
      finish_reason: "stop",
      message: { content: "This is gpt-4o," },
    });
  });

  test("a model that reasons tells its reasoning tokens", async () => {
    const { usage } = await new OpenAI().chat.completions.create({ ...ask, model: "o4-mini" });
    expect(usage?.completion_tokens_details?.reasoning_tokens).toBe(64);
  });

  test("the legacy completions answer and stream", async () => {
    const asked = { model: "gpt-3.5-turbo-instruct", prompt: "Hello", max_tokens: 40 };
    const whole = await new OpenAI().completions.create(asked);
    expect(whole.choices[0]?.text).toMatch(/^This is gpt-3\.5-turbo-instruct/);
    let text = "";
    for await (const chunk of await new OpenAI().completions.create({ ...asked, stream: true }))
      text += chunk.choices[0]?.text ?? "";
    expect(text).toMatch(/^This is gpt-3\.5-turbo-instruct/);
  });

  test("embeddings are the same as numbers and as base64, which the client asks for by itself", async () => {
    const asked = { model: "text-embedding-3-small", input: ["a river", "two gates"], dimensions: 64 };
    const packed = await new OpenAI().embeddings.create(asked);
    const plain = await new OpenAI().embeddings.create({ ...asked, encoding_format: "float" });
    expect(packed.data.map((item) => item.embedding)).toEqual(plain.data.map((item) => item.embedding));
    expect(packed.data[1]?.embedding).toHaveLength(64);
  });

  test("models are listed, and one is looked up", async () => {
    const listed: string[] = [];
    for await (const model of new OpenAI().models.list()) listed.push(model.id);
    expect(listed).toContain("gpt-4o");
    expect(await new OpenAI().models.retrieve("gpt-4o")).toMatchObject({ id: "gpt-4o", object: "model" });
  });
});
