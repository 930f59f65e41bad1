/** The AI SDK, unmodified. Its OpenAI provider speaks the Responses API unless `.chat()` is asked for; Responses are not served yet. */

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, embedMany, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { type Rig, startRig, tokensIn, waysIn } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

// Providers are made anew for each test: they read the environment once.
const vendors = [
  { vendor: "OpenAI", model: "gpt-4o", chat: (model: string) => createOpenAI().chat(model) },
  { vendor: "Anthropic", model: "claude-sonnet-5-5", chat: (model: string) => createAnthropic()(model) },
];
const weather = tool({
  description: "Tells the weather",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `Fine in ${city}`,
});

describe.each(waysIn)("$name", (way) => {
  beforeEach(() => rig.enter(way));

  describe.each(vendors)("$vendor", ({ model, chat }) => {
    test("answers, with usage", async () => {
      const { text, usage, finishReason } = await generateText({ model: chat(model), prompt: "Hello, 東京" });
      expect(text).toContain(`This is ${model}, simulated. You said: “Hello, 東京”.`);
      expect(usage.outputTokens).toBe(tokensIn(text));
      expect(finishReason).toBe("stop");
    });

    test("streams", async () => {
      const result = streamText({ model: chat(model), prompt: "Hello, 東京" });
      const pieces: string[] = [];
      for await (const piece of result.textStream) pieces.push(piece);
      expect(pieces.join("")).toContain("You said: “Hello, 東京”.");
      expect(pieces.length).toBeGreaterThan(10);
      expect((await result.usage).outputTokens).toBe(tokensIn(pieces.join("")));
    });

    test("runs a tool and goes on, whole and streamed", async () => {
      const asked = {
        model: chat(model),
        prompt: "What does weather say?",
        tools: { weather },
        stopWhen: stepCountIs(3),
      };
      const whole = await generateText(asked);
      const streamed = streamText(asked);
      for (const { steps, text } of [whole, { steps: await streamed.steps, text: await streamed.text }]) {
        expect(steps).toHaveLength(2);
        expect(steps[0]?.toolResults[0]).toMatchObject({
          toolName: "weather",
          output: expect.stringMatching(/^Fine in /),
        });
        expect(text).toContain("simulated");
      }
    });

    test("structured output parses", async () => {
      const schema = z.object({ name: z.string(), age: z.int() });
      const { output } = await generateText({ model: chat(model), prompt: "Who?", output: Output.object({ schema }) });
      expect(schema.parse(output)).toBeDefined();
    });
  });

  test("embeddings", async () => {
    const { embeddings } = await embedMany({
      model: createOpenAI().embedding("text-embedding-3-small"),
      values: ["a river", "two gates"],
    });
    expect(embeddings.map((embedding) => embedding.length)).toEqual([1536, 1536]);
  });
});

describe.each(vendors)("$vendor's failures", ({ model, chat }) => {
  beforeEach(() => rig.enter(waysIn[0]!));

  test.for([
    ["an unknown key", 401, () => rig.enter(waysIn[0]!, "sk-sluice-nobody-has-this-key"), model],
    ["a model that the key may not use", 403, () => rig.enter(waysIn[0]!, rig.gateway.restrictedKey), model],
    ["a model that is nowhere", 404, () => {}, "nonesuch"],
    ["a vendor that is overloaded", 429, () => {}, `once-${model}@status-429`],
  ] as const)("%s is an API call error with its status", async ([, status, enter, asked]) => {
    enter();
    const error = await generateText({ model: chat(asked), prompt: "Hello", maxRetries: 0 }).catch(
      (reason: unknown) => reason,
    );
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({
      statusCode: status,
      isRetryable: status === 429,
      data: { error: { message: expect.any(String) } },
    });
  });

  test("the client tries again by itself", async () => {
    const flaky = `once-${model}@status-503@times-1@retry-after-ms-1`;
    expect((await generateText({ model: chat(flaky), prompt: "Hello" })).text).toContain("simulated");
    expect(rig.seen(flaky)).toHaveLength(2);
  });

  test("a client that aborts ends the vendor's call", async () => {
    const stalled = `${model}@stall-after-6`;
    const leaving = new AbortController();
    const { textStream } = streamText({ model: chat(stalled), prompt: "Hello", abortSignal: leaving.signal });
    for await (const _ of textStream) leaving.abort();
    await vi.waitFor(() => expect(rig.seen(stalled)[0]?.abortedAtMs).toBeDefined());
  });

  test("a stream that ends in an error tells it", async () => {
    const errors: unknown[] = [];
    const { textStream } = streamText({
      model: chat(`${model}@reset-after-8`),
      prompt: "Hello",
      onError: ({ error }) => void errors.push(error),
    });
    let text = "";
    for await (const piece of textStream) text += piece;
    expect(text).toMatch(/^This is /);
    expect(errors).toHaveLength(1);
  });
});
