/** The bill: what a vendor charges is true whatever it tells, whoever hangs up and whatever breaks. */

import { afterEach, expect, test, vi } from "vitest";
import { type BillEntry, createSimulator, type Simulator, type SimulatorOptions } from "../src/index.ts";
import { eventsOf } from "./events.ts";

let simulator: Simulator | undefined;
afterEach(() => simulator?.[Symbol.asyncDispose]());

async function start(options: SimulatorOptions = {}) {
  const started = createSimulator(options);
  simulator = started;
  const { url } = await started.listen();
  const post = (path: string, body: object, signal?: AbortSignal) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { "anthropic-version": "2023-06-01" },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  /** The last entry, when its call is over. */
  const billed = async (): Promise<BillEntry> => {
    await vi.waitFor(() => expect(started.bill().at(-1)?.state).not.toBe("Running"));
    return started.bill().at(-1) as BillEntry;
  };
  return { url, post, billed, bill: () => started.bill() };
}

const said = [{ role: "user", content: "Hello" }];
const chatPath = "/openai/v1/chat/completions";
const messagePath = "/anthropic/v1/messages";
const chat = { model: "gpt-4o", messages: said };
const message = { model: "claude-sonnet-4-5", messages: said, max_tokens: 500 };

test("an answer in one piece costs what its usage tells, under the id that its header has", async () => {
  const { post, billed } = await start();
  const answer = await post(chatPath, { ...chat, model: "o4-mini@reasoning-7@tokens-9" });
  const { usage } = (await answer.json()) as { usage: { prompt_tokens: number; completion_tokens: number } };
  expect(await billed()).toMatchObject({
    requestId: answer.headers.get("x-request-id"),
    vendor: "openai",
    model: "o4-mini",
    path: "/chat/completions",
    state: "Finished",
    tokens: { input: usage.prompt_tokens, output: 9, outputReasoning: 7 },
  });
  expect(usage.completion_tokens).toBe(16);
});

test.for([["huge-usage"], ["negative-usage"], ["string-usage"], ["inconsistent-usage"], ["no-usage"]])(
  "the bill is true where the answer has %s",
  async ([knob]) => {
    const { post, billed } = await start();
    for (const stream of [false, true]) {
      await (await post(chatPath, { ...chat, model: `gpt-4o@tokens-9@${knob}`, stream })).text();
      expect((await billed()).tokens).toMatchObject({ output: 9, outputReasoning: 0, cacheRead: 0 });
      await (await post(messagePath, { ...message, model: `claude@tokens-9@${knob}`, stream })).text();
      expect((await billed()).tokens).toMatchObject({ output: 9, outputReasoning: 0, cacheRead: 0 });
    }
  },
);

test("a caller who hangs up is charged for what was generated until then", async () => {
  const { post, billed, bill } = await start();
  for (const [path, body] of [
    [chatPath, { ...chat, model: "gpt-4o@tokens-400@gap-ms-20", stream: true }],
    [messagePath, { ...message, model: "claude@tokens-400@gap-ms-20", stream: true }],
  ] as const) {
    const leaving = new AbortController();
    const answer = await post(path, body, leaving.signal);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let read = "";
    const contents = () => read.split(/"content":"[^"]|"text_delta"/).length - 1;
    while (contents() < 3) read += Buffer.from((await reader.read()).value ?? []).toString();
    expect(bill().at(-1)?.state).toBe("Running");
    leaving.abort();
    const entry = await billed();
    expect(entry.state).toBe("Cut");
    expect(entry.tokens.input).toBeGreaterThan(0);
    expect(entry.tokens.output).toBeGreaterThanOrEqual(contents());
    expect(entry.tokens.output).toBeLessThan(400);
  }
});

test("thought that is not shown is charged from the first event on", async () => {
  const { post, billed } = await start();
  await (await post(chatPath, { ...chat, model: "o4-mini@reasoning-50@tokens-20@close-after-3", stream: true })).text();
  expect((await billed()).tokens).toMatchObject({ outputReasoning: 50, output: 2 });
});

test("a model that thinks before it breaks is charged whole where nothing shows how far it came", async () => {
  const { post, billed } = await start();
  await expect(post(chatPath, { ...chat, model: "gpt-4o@tokens-9@reset" })).rejects.toThrow();
  expect(await billed()).toMatchObject({ state: "Cut", tokens: { output: 9 } });
});

test("what a vendor refuses costs nothing, nor does a count, nor what never reached a model", async () => {
  const { post, bill } = await start();
  for (const [path, body] of [
    [chatPath, { ...chat, model: "gpt-4o@status-500" }],
    [chatPath, { ...chat, messages: [] }],
    [chatPath, { ...chat, model: "gpt-4o@garbage" }],
    [messagePath, { ...message, max_tokens: 0 }],
    [`${messagePath}/count_tokens`, message],
  ] as const)
    await (await post(path, body)).text();
  expect(bill()).toEqual([]);
});

test("every kind of call is on it, with caches, candidates and searches", async () => {
  const { post, url, bill } = await start();
  await (await post("/openai/v1/completions", { model: "m@tokens-5", prompt: ["a", "b"], n: 1, best_of: 3 })).text();
  await (await post("/openai/v1/embeddings", { model: "m", input: "four char" })).text();
  const system = [{ type: "text", text: "Be kind. ".repeat(50), cache_control: { type: "ephemeral", ttl: "1h" } }];
  for (let call = 0; call < 2; call++) await (await post(messagePath, { ...message, system })).text();
  await (await post(messagePath, { ...message, model: "claude@searches-2" })).text();
  const [texts, vectors, written, read, searched] = bill().map((entry) => entry.tokens);
  expect(texts).toMatchObject({ input: 2, output: 30 });
  expect(vectors).toMatchObject({ input: 3, output: 0 });
  expect(written?.cacheWrite1h).toBeGreaterThan(100);
  expect(read).toMatchObject({ cacheWrite1h: 0, cacheRead: written?.cacheWrite1h });
  expect(searched?.webSearches).toBe(2);
  expect(await (await fetch(`${url}/bill`)).json()).toEqual(bill());
});

test("a bill that has lost entries says so, it is never short in silence", async () => {
  const { post, bill } = await start({ billMax: 1 });
  for (let call = 0; call < 2; call++) await (await post(chatPath, chat)).text();
  expect(() => bill()).toThrow("lost 1 entries");
});

test("the output cap is kept to, in text, thought and arguments, unless it is to be ignored", async () => {
  const { post, billed } = await start();
  const schema = { type: "object", properties: { city: { type: "string" }, days: { type: "string" } } };
  const tools = [{ type: "function", function: { name: "weather", parameters: schema } }];
  for (const [model, fields, reason] of [
    ["gpt-4o@tokens-90", {}, "length"],
    ["gpt-4o", { tools }, "length"],
    ["o4-mini@reasoning-90", {}, "length"],
    ["gpt-4o@tokens-90@ignore-cap", {}, "stop"],
  ] as const) {
    const answer = await post(chatPath, { ...chat, model, max_completion_tokens: 3, ...fields });
    const { choices } = (await answer.json()) as { choices: { finish_reason: string }[] };
    const { output, outputReasoning } = (await billed()).tokens;
    expect([model, choices[0]?.finish_reason, output + outputReasoning]).toEqual([
      model,
      reason,
      reason === "length" ? 3 : 90,
    ]);
  }
  const text = await (
    await post(messagePath, {
      ...message,
      max_tokens: 2,
      stream: true,
      tools: [{ name: "weather", input_schema: schema }],
    })
  ).text();
  expect(eventsOf(text).at(-2)?.data).toContain('"stop_reason":"max_tokens"');
  expect((await billed()).tokens.output).toBe(2);
});
