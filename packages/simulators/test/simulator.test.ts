/** The simulator over real connections: what it refuses, what its headers say, and what it does to a connection. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { createSimulator, type Simulator, type SimulatorOptions } from "../src/index.ts";

let simulator: Simulator | undefined;
afterEach(() => simulator?.[Symbol.asyncDispose]());

async function start(options: SimulatorOptions = {}) {
  simulator = createSimulator(options);
  const { url } = await simulator.listen();
  const post = (path: string, body: unknown, init: { headers?: Record<string, string>; signal?: AbortSignal } = {}) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { "anthropic-version": "2023-06-01", ...init.headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    });
  return { url, post, requests: simulator.requests };
}

type Usage = { input_tokens: number; cache_read_input_tokens: number; cache_creation_input_tokens: number };
type Told = { id: string; choices: object[]; data: { id: string; embedding: number[] }[]; usage: Usage };

/** The answer's JSON; where its shape is another, the expectation that reads it fails. */
const json = async <Shape = Told>(answer: Response) => (await answer.json()) as Shape;

const chat = { model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] };
const message = { ...chat, model: "claude-sonnet-4-5", max_tokens: 50 };
const chatPath = "/openai/v1/chat/completions";
const messagePath = "/anthropic/v1/messages";

describe("OpenAI's refusals", () => {
  test.for([
    ["a body that is no JSON", chatPath, "{", 400, { type: "invalid_request_error", code: null }],
    ["no model", chatPath, { messages: [] }, 400, { message: "you must provide a model parameter" }],
    ["no messages", chatPath, { model: "gpt-4o" }, 400, { param: "messages", code: "missing_required_parameter" }],
    [
      "messages of a wrong type",
      chatPath,
      { model: "gpt-4o", messages: "Hello" },
      400,
      { param: "messages", code: "invalid_type" },
    ],
    [
      "a role that is none",
      chatPath,
      { model: "gpt-4o", messages: [{ role: "king" }] },
      400,
      { param: "messages[0].role" },
    ],
    [
      "max_tokens for a model that reasons",
      chatPath,
      { ...chat, model: "o4-mini", max_tokens: 5 },
      400,
      { code: "unsupported_parameter" },
    ],
    ["no prompt", "/openai/v1/completions", { model: "gpt-4o" }, 400, { param: "prompt" }],
    ["no input", "/openai/v1/embeddings", { model: "text-embedding-3-small" }, 400, { param: "input" }],
    ["a path that is none", "/openai/v1/chats", chat, 404, { type: "invalid_request_error" }],
    ["a knob that is none", chatPath, { ...chat, model: "gpt-4o@fast" }, 400, { type: "invalid_request_error" }],
    ["a wanted 429", chatPath, { ...chat, model: "gpt-4o@status-429" }, 429, { code: "rate_limit_exceeded" }],
  ] as const)("%s", async ([, path, body, status, error]) => {
    const { post } = await start();
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({
      error: expect.objectContaining({ message: expect.any(String), type: expect.any(String), ...error }),
    });
    expect(answer.headers.get("x-request-id")).toMatch(/^req_\w{32}$/);
  });

  test("a model that is not there, a key that is wrong or missing", async () => {
    const { post } = await start({ models: ["gpt-4o"], expectedKey: "sk-good" });
    const headers = { authorization: "Bearer sk-good" };
    const statuses = [
      await post(chatPath, chat, { headers }),
      await post(chatPath, { ...chat, model: "gpt-5" }, { headers }),
      await post(chatPath, chat, { headers: { authorization: "Bearer sk-bad-secret" } }),
      await post(chatPath, chat),
    ];
    expect(statuses.map((answer) => answer.status)).toEqual([200, 404, 401, 401]);
    expect(await statuses[1]?.json()).toMatchObject({ error: { code: "model_not_found" } });
    expect(await statuses[2]?.text()).not.toContain("secret");
  });
});

describe("Anthropic's refusals", () => {
  test.for([
    ["a body that is no JSON", "{", 400, "invalid_request_error"],
    ["no max_tokens", { ...message, max_tokens: undefined }, 400, "invalid_request_error"],
    ["no messages", { ...message, messages: undefined }, 400, "invalid_request_error"],
    [
      "a budget of thought above max_tokens",
      { ...message, thinking: { type: "enabled", budget_tokens: 2000 } },
      400,
      "invalid_request_error",
    ],
    ["a wanted 529", { ...message, model: "claude@status-529" }, 529, "overloaded_error"],
    ["a wanted 403", { ...message, model: "claude@status-403" }, 403, "permission_error"],
  ] as const)("%s", async ([, body, status, type]) => {
    const { post } = await start();
    const answer = await post(messagePath, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({
      type: "error",
      error: { type, message: expect.any(String) },
      request_id: answer.headers.get("request-id"),
    });
  });

  test("a request without anthropic-version", async () => {
    const { url } = await start();
    const answer = await fetch(`${url}${messagePath}`, { method: "POST", body: JSON.stringify(message) });
    expect(await answer.json()).toMatchObject({ error: { message: "anthropic-version: header is required" } });
  });

  test("a wrong key, as a bearer token and as x-api-key", async () => {
    const { post } = await start({ expectedKey: "sk-good" });
    const statuses = [
      await post(messagePath, message, { headers: { authorization: "Bearer sk-good" } }),
      await post(messagePath, message, { headers: { "x-api-key": "sk-good" } }),
      await post(messagePath, message, { headers: { "x-api-key": "sk-bad" } }),
    ];
    expect(statuses.map((answer) => answer.status)).toEqual([200, 200, 401]);
  });
});

test("the same question has the same answer, under another id", async () => {
  const { post } = await start();
  const [one, two] = [await json(await post(chatPath, chat)), await json(await post(chatPath, chat))];
  expect(two.choices).toEqual(one.choices);
  expect(two.id).not.toBe(one.id);
});

test("a marked prefix is written to the cache once and read from then on, and count_tokens agrees with the sum", async () => {
  const { post } = await start();
  const system = [{ type: "text", text: "Be kind. ".repeat(50), cache_control: { type: "ephemeral", ttl: "1h" } }];
  const usage = async () => (await json(await post(messagePath, { ...message, system }))).usage;
  const [first, second] = [await usage(), await usage()];
  expect(first).toMatchObject({ cache_read_input_tokens: 0, cache_creation: { ephemeral_5m_input_tokens: 0 } });
  expect(first).toMatchObject({ cache_creation: { ephemeral_1h_input_tokens: first.cache_creation_input_tokens } });
  expect(second).toMatchObject({
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: first.cache_creation_input_tokens,
  });
  const counted = await json<Usage>(await post("/anthropic/v1/messages/count_tokens", { ...message, system }));
  expect(counted.input_tokens).toBe(second.input_tokens + second.cache_read_input_tokens);
  expect(second.cache_read_input_tokens).toBeGreaterThan(100);
});

test("Anthropic's models come in pages, forwards and backwards", async () => {
  const { url } = await start({ models: ["a", "b", "c", "d", "e"] });
  const page = async (query: string) => {
    const answer = await fetch(`${url}/anthropic/v1/models?${query}`, {
      headers: { "anthropic-version": "2023-06-01" },
    });
    const { data, ...rest } = await json(answer);
    return { ids: data.map((model) => model.id).join(""), ...rest };
  };
  expect(await page("limit=2")).toEqual({ ids: "ab", has_more: true, first_id: "a", last_id: "b" });
  expect(await page("limit=2&after_id=d")).toEqual({ ids: "e", has_more: false, first_id: "e", last_id: "e" });
  expect(await page("limit=2&before_id=d")).toEqual({ ids: "bc", has_more: true, first_id: "b", last_id: "c" });
});

test("embeddings have length 1, any size that was asked for, and texts that share words are near each other", async () => {
  const { post } = await start();
  const input = ["the river gate is open", "the river gate is closed", "Vierzig Uhren ticken"];
  const body = { model: "text-embedding-3-small", input, dimensions: 256 };
  const { data, usage } = await json(await post("/openai/v1/embeddings", body));
  const [a, b, c] = data.map((item) => item.embedding) as [number[], number[], number[]];
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, at) => sum + value * y[at]!, 0);
  expect(a).toHaveLength(256);
  expect(dot(a, a)).toBeCloseTo(1, 5);
  expect(dot(a, b)).toBeGreaterThan(dot(a, c) + 0.3);
  expect(usage).toEqual({ prompt_tokens: 17, total_tokens: 17 });

  const packed = await json<{ data: { embedding: string }[] }>(
    await post("/openai/v1/embeddings", { ...body, encoding_format: "base64" }),
  );
  expect(Buffer.from(packed.data[0]!.embedding, "base64").readFloatLE(4)).toBe(a[1]);
});

test("knobs come from the header and from the hook, which wins; `times` ends them", async () => {
  const { post } = await start({ behaviour: (request) => (request.headers["x-hook"] ? { status: 503 } : undefined) });
  const status = async (headers: Record<string, string>) => (await post(chatPath, chat, { headers })).status;
  expect(await status({ "x-simulate": "status=500" })).toBe(500);
  expect(await status({ "x-simulate": "status=500", "x-hook": "yes" })).toBe(503);
  const flaky = { ...chat, model: "gpt-4o@status-500@times-2" };
  const statuses = [await post(chatPath, flaky), await post(chatPath, flaky), await post(chatPath, flaky)];
  expect(statuses.map((answer) => answer.status)).toEqual([500, 500, 200]);
});

test("headers for retries are those that were asked for", async () => {
  const { post } = await start();
  const { headers } = await post(chatPath, {
    ...chat,
    model: "gpt-4o@status-429@retry-after-2@retry-after-ms-1500@no-retry",
  });
  expect(["retry-after", "retry-after-ms", "x-should-retry"].map((name) => headers.get(name))).toEqual([
    "2",
    "1500",
    "false",
  ]);
});

test.for(["reset", "reset-after-2", "hang-up-after-2"])("%s breaks the caller's connection", async (knob) => {
  const { post } = await start();
  await expect(
    post(chatPath, { ...chat, model: `gpt-4o@${knob}`, stream: true }).then((answer) => answer.text()),
  ).rejects.toThrow();
});

test("a caller that leaves a silent or a slow answer is noted", async () => {
  const { post, requests } = await start();
  for (const knob of ["silent", "stall-after-headers", "gap-ms-60000"]) {
    const leaving = new AbortController();
    const answer = post(chatPath, { ...chat, model: `gpt-4o@${knob}`, stream: true }, { signal: leaving.signal }).then(
      (got) => got.text(),
    );
    answer.catch(() => {}); // it is aborted below
    await vi.waitFor(() => expect(requests.at(-1)?.body.toString()).toContain(knob));
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await vi.waitFor(() => expect(requests.at(-1)?.abortedAtMs).toBeDefined());
  }
});

test("a request is kept as it came, and an answer that was sent is no abort", async () => {
  const { post, requests } = await start({ recordedMax: 2 });
  for (const user of ["a", "b", "c"]) await (await post(`${chatPath}?beta=true`, { ...chat, user })).text();
  await vi.waitFor(() =>
    expect(requests.map((request) => request.finishedAtMs)).toEqual([expect.any(Number), expect.any(Number)]),
  );
  expect(requests.map((request) => JSON.parse(request.body.toString()).user)).toEqual(["b", "c"]);
  expect(requests[0]).toMatchObject({ vendor: "openai", method: "POST", path: `${chatPath}?beta=true` });
  expect(requests[0]).not.toHaveProperty("abortedAtMs");
});
