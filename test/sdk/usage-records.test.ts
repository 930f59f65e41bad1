/** What the clients were told of their calls is what is on record of them. */

import Anthropic from "@anthropic-ai/sdk";
import type { TokenCounts } from "@sluice/contract";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type Rig, startRig, tokensIn, waysIn } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => rig.enter(waysIn[1]!));

const messages = [{ role: "user" as const, content: "Hello" }];
const none: TokenCounts = {
  input: 0,
  inputAudio: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  cacheWriteOther: 0,
  output: 0,
  outputReasoning: 0,
  outputAudio: 0,
};

test("an OpenAI call: tokens of each kind, apart", async () => {
  const answer = await new OpenAI().chat.completions.create({ model: "o4-mini", messages });
  const usage = answer.usage!;
  const record = await rig.gateway.usage(answer._request_id!);
  expect(record).toMatchObject({
    outcome: "Served",
    status: 200,
    protocol: "openai",
    operation: "chat.completions",
    stream: false,
    key: "default/tests",
    team: "tests",
    model: "o4-mini",
    route: "default/openai",
    provider: "default/tested-openai",
    upstreamRequestId: expect.stringMatching(/^req_/),
    attempts: 1,
  });
  expect(record.tokens).toEqual({
    ...none,
    input: usage.prompt_tokens,
    output: usage.completion_tokens - 64,
    outputReasoning: 64,
  });
});

test("an OpenAI stream whose caller never asked for usage", async () => {
  const { data: stream, request_id } = await new OpenAI().chat.completions
    .create({ model: "gpt-4o", messages, stream: true })
    .withResponse();
  let text = "";
  for await (const chunk of stream) {
    expect(chunk.usage ?? null).toBeNull();
    text += chunk.choices[0]?.delta.content ?? "";
  }
  const record = await rig.gateway.usage(request_id!);
  expect(record).toMatchObject({ outcome: "Served", stream: true, tokens: { output: tokensIn(text) } });
  expect(record.tokens?.input).toBeGreaterThan(0);
  expect(record.firstByteMs).toBeLessThanOrEqual(record.durationMs);
});

test("embeddings", async () => {
  const { data, request_id } = await new OpenAI().embeddings
    .create({ model: "text-embedding-3-small", input: "a river" })
    .withResponse();
  expect((await rig.gateway.usage(request_id!)).tokens).toEqual({ ...none, input: data.usage.prompt_tokens });
});

test("an Anthropic call that writes the cache, and a stream that reads it", async () => {
  const cache_control = { type: "ephemeral" as const, ttl: "1h" as const };
  const asked = {
    model: "claude-sonnet-5-5",
    max_tokens: 100,
    messages,
    system: [{ type: "text" as const, text: "Be kind. ".repeat(40), cache_control }],
  };
  const first = await new Anthropic().messages.create(asked);
  const stream = new Anthropic().messages.stream(asked);
  const second = await stream.finalMessage();
  const written = first.usage.cache_creation_input_tokens!;
  expect(written).toBeGreaterThan(0);
  expect((await rig.gateway.usage(first._request_id!)).tokens).toEqual({
    ...none,
    input: first.usage.input_tokens,
    cacheWrite1h: written,
    output: first.usage.output_tokens,
  });
  const record = await rig.gateway.usage(stream.request_id!);
  expect(record).toMatchObject({ protocol: "anthropic", operation: "messages", stream: true, outcome: "Served" });
  expect(record.tokens).toEqual({
    ...none,
    input: second.usage.input_tokens,
    cacheRead: written,
    output: second.usage.output_tokens,
  });
});

test("a refused call, a vendor's error, a call tried twice", async () => {
  const failed = (model: string) =>
    new OpenAI({ maxRetries: 0 }).chat.completions.create({ model, messages }).then(
      () => expect.unreachable("the call was to fail"),
      (error: InstanceType<typeof OpenAI.APIError>) => error.requestID!,
    );
  expect(await rig.gateway.usage(await failed("nonesuch"))).toMatchObject({
    outcome: "Refused",
    status: 404,
    code: "model_not_found",
    attempts: 0,
  });
  expect(await rig.gateway.usage(await failed("once-gpt-4o@status-429"))).toMatchObject({
    outcome: "UpstreamError",
    status: 429,
    attempts: 1,
  });
  const answer = await new OpenAI().chat.completions.create({ model: "gpt-4o@status-500@times-1", messages });
  expect(await rig.gateway.usage(answer._request_id!)).toMatchObject({ outcome: "Served", status: 200, attempts: 2 });
});

test("a call that its caller left", async () => {
  const model = "gpt-4o@stall-after-4";
  const { data: stream, request_id } = await new OpenAI().chat.completions
    .create({ model, messages, stream: true })
    .withResponse();
  for await (const _ of stream) break;
  expect(await rig.gateway.usage(request_id!)).toMatchObject({ outcome: "ClientAborted", status: 200, model });
  await vi.waitFor(() => expect(rig.seen(model)[0]?.abortedAtMs).toBeDefined());
});

test("a stream that its vendor cut", async () => {
  const call = new OpenAI({ maxRetries: 0 }).chat.completions.create({
    model: "gpt-4o@reset-after-6",
    messages,
    stream: true,
  });
  const { data: stream, request_id } = await call.withResponse();
  await expect(async () => {
    for await (const _ of stream);
  }).rejects.toThrow();
  expect(await rig.gateway.usage(request_id!)).toMatchObject({ outcome: "UpstreamFailed", status: 200 });
});
