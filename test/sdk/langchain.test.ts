/** LangChain's chat models and embeddings for Node, unmodified, with both vendors behind one base URL. */

import { ChatAnthropic } from "@langchain/anthropic";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { type AIMessageChunk, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { type Rig, startRig, tokensIn, waysIn } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

type Settings = { model: string; maxRetries?: number };
const vendors = [
  { vendor: "OpenAI", model: "gpt-4o", chat: (settings: Settings) => new ChatOpenAI(settings) },
  { vendor: "Anthropic", model: "claude-sonnet-5-5", chat: (settings: Settings) => new ChatAnthropic(settings) },
];
const weather = tool(({ city }: { city: string }) => `Fine in ${city}`, {
  name: "weather",
  description: "Tells the weather",
  schema: z.object({ city: z.string() }),
});
const question = [new HumanMessage("What does weather say?")];

describe.each(waysIn)("$name", (way) => {
  beforeEach(() => rig.enter(way));

  describe.each(vendors)("$vendor", ({ vendor, model, chat }) => {
    test("answers, with usage", async () => {
      const answer = await chat({ model }).invoke("Hello, 東京");
      expect(answer.text).toContain(`This is ${model}, simulated. You said: “Hello, 東京”.`);
      expect(answer.usage_metadata?.output_tokens).toBe(tokensIn(answer.text));
    });

    test("streams", async () => {
      let whole: AIMessageChunk | undefined;
      let pieces = 0;
      for await (const chunk of await (chat({ model }) as BaseChatModel).stream("Hello, 東京")) {
        whole = whole === undefined ? chunk : whole.concat(chunk);
        pieces += 1;
      }
      expect(whole?.text).toContain("You said: “Hello, 東京”.");
      expect(pieces).toBeGreaterThan(10);
      // LangChain adds the token that Anthropic's message_start tells to the cumulative count at the end.
      const addedByLangChain = vendor === "Anthropic" ? 1 : 0;
      expect(whole?.usage_metadata?.output_tokens).toBe(tokensIn(whole?.text ?? "") + addedByLangChain);
    });

    test("calls a tool, whole and streamed, and takes its result", async () => {
      const bound = chat({ model }).bindTools([weather]);
      const whole = await bound.invoke(question);
      let streamed: AIMessageChunk | undefined;
      for await (const chunk of await bound.stream(question))
        streamed = streamed === undefined ? chunk : streamed.concat(chunk);
      for (const message of [whole, streamed]) {
        const call = message?.tool_calls?.[0];
        expect(call).toMatchObject({ name: "weather", args: { city: expect.any(String) } });
        const result = new ToolMessage({
          tool_call_id: call?.id ?? "",
          content: await weather.invoke(call?.args as { city: string }),
        });
        expect((await bound.invoke([...question, message!, result])).text).toContain("simulated");
      }
    });

    test("structured output parses", async () => {
      const person = z.object({ name: z.string(), age: z.int().min(0) });
      expect(
        person.parse(await chat({ model }).withStructuredOutput(person, { name: "person" }).invoke("Who?")),
      ).toBeDefined();
    });
  });

  test("embeddings", async () => {
    const embeddings = new OpenAIEmbeddings({ model: "text-embedding-3-small", dimensions: 32 });
    const [one, two] = await embeddings.embedDocuments(["a river", "two gates"]);
    expect(one).toEqual(await embeddings.embedQuery("a river"));
    expect(two).toHaveLength(32);
  });
});

describe.each(vendors)("$vendor's failures", ({ vendor, model, chat }) => {
  beforeEach(() => rig.enter(waysIn[0]!));

  test.for([
    ["an unknown key", 401, () => rig.enter(waysIn[0]!, "sk-sluice-nobody-has-this-key"), model],
    ["a model that the key may not use", 403, () => rig.enter(waysIn[0]!, rig.gateway.restrictedKey), model],
    ["a model that is nowhere", 404, () => {}, "nonesuch"],
    ["a vendor that is overloaded", 429, () => {}, `once-${model}@status-429`],
  ] as const)("%s is an error with its status", async ([, status, enter, asked]) => {
    enter();
    await expect(chat({ model: asked, maxRetries: 0 }).invoke("Hello")).rejects.toMatchObject({ status });
  });

  test("the client tries again by itself", async () => {
    const flaky = `once-${model}@status-503@times-1@retry-after-ms-1`;
    expect((await chat({ model: flaky }).invoke("Hello")).text).toContain("simulated");
    expect(rig.seen(flaky)).toHaveLength(2);
  });

  test("a client that aborts ends the vendor's call", async () => {
    const stalled = `${model}@stall-after-6`;
    const leaving = new AbortController();
    const read = async () => {
      for await (const _ of await (chat({ model: stalled }) as BaseChatModel).stream("Hello", {
        signal: leaving.signal,
      }))
        leaving.abort();
    };
    await expect(read()).rejects.toThrow();
    await vi.waitFor(() => expect(rig.seen(stalled)[0]?.abortedAtMs, vendor).toBeDefined());
  });
});
