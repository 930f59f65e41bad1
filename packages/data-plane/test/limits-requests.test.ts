/** What of a request limits change on its way up, and what a request can't make a limit believe. */

import { expect, test } from "vitest";
import { limitPlan } from "./gateway.ts";
import { type Limited, refusalOf, startLimited } from "./limited.ts";

const hard = limitPlan("dollars", [{ unit: "nanoUsd", amount: "5000000000" }]);

function sentUp({ simulator }: Limited): Record<string, unknown> {
  return JSON.parse(simulator.requests.at(-1)?.body.toString() ?? "null");
}

test.for([
  ["none", {}, 16_384],
  ["one below the model's", { max_completion_tokens: 100 }, 100],
  ["the older name", { max_tokens: 100 }, 100],
  ["both names", { max_tokens: 100, max_completion_tokens: 100 }, 100],
  ["an absurd one", { max_tokens: 1_000_000_000 }, 16_384],
  ["null", { max_completion_tokens: null }, 16_384],
] as const)("under a hard budget a call with %s as its output cap goes up with one", async ([, fields, cap]) => {
  await using limited = await startLimited({ limits: [hard] });
  expect((await limited.chat({ ...fields, model: "gpt-4o@tokens-5" })).status).toBe(200);
  const sent = sentUp(limited);
  const caps = [sent.max_tokens, sent.max_completion_tokens].filter((one) => one !== undefined && one !== null);
  expect(caps).toContain(cap);
  expect(Math.max(...(caps as number[]))).toBeLessThanOrEqual(16_384);
});

test.for([
  ["no limit", [], {}],
  ["a budget that warns", [limitPlan("soft", [{ unit: "nanoUsd", amount: "1" }], { mode: "Warn" })], {}],
  ["a budget in the shadow", [limitPlan("dark", [{ unit: "tokens", amount: "1" }], { mode: "Shadow" })], {}],
  ["limits of calls alone", [limitPlan("calls", [{ unit: "requests", amount: "9" }])], {}],
] as const)("under %s the very bytes of the caller go up", async ([, limits]) => {
  await using limited = await startLimited({ limits: [...limits] });
  const body = `{"model" : "gpt-4o@tokens-5",\n "messages":[{"role":"user","content":"Weirs\\u003f"}], "n":1 , "x":[1.50]}`;
  const answer = await fetch(`${limited.gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${limited.gateway.key}`, "content-type": "application/json" },
    body,
  });
  expect(answer.status).toBe(200);
  expect(limited.simulator.requests[0]?.body.toString()).toBe(body);
});

test("a Route's cap goes up where the call asks for more, without any limit", async () => {
  await using limited = await startLimited({ route: { maxOutputTokens: 20 } });
  expect((await limited.chat({ max_tokens: 500 })).status).toBe(200);
  const sent = sentUp(limited);
  expect([sent.max_tokens, sent.max_completion_tokens]).toContain(20);
});

// Each has one thing that makes it dearer than a plain call, which has room for some 200 tokens of output.
test.for([
  ["many answers", "chat", { max_tokens: 60, n: 8 }, "budget_exhausted"],
  ["the best of many", "complete", { max_tokens: 60, n: 1, best_of: 8 }, "budget_exhausted"],
  ["many prompts", "complete", { max_tokens: 60, prompt: Array(8).fill("a") }, "budget_exhausted"],
  ["no cap at all", "chat", {}, "budget_exhausted"],
  ["two caps that differ", "chat", { max_tokens: 60, max_completion_tokens: 4_000 }, undefined],
  ["a cap of text", "chat", { max_tokens: "60" }, undefined],
  ["a negative cap", "chat", { max_tokens: -1 }, undefined],
  ["a cap with a fraction", "chat", { max_tokens: 60.5 }, undefined],
  ["an image by its address", "chat", image("https://127.0.0.1/x.png"), "budget_exhausted"],
  ["an image within", "chat", image("data:image/png;base64,AAAA"), "budget_exhausted"],
  ["a file by its id", "chat", part({ type: "file", file: { file_id: "file-1" } }), "budget_exhausted"],
  ["a long question", "chat", part({ type: "text", text: "x".repeat(3_000) }), "budget_exhausted"],
  [
    "a predicted answer",
    "chat",
    { max_tokens: 60, prediction: { type: "content", content: "x".repeat(900) } },
    "budget_exhausted",
  ],
] as const)("%s is reckoned before the call", async ([, operation, fields, code]) => {
  // A plain chat of 60 tokens may take 60 × $10/M and some 400 bytes × $2.50/M.
  const limit = limitPlan("small", [{ unit: "nanoUsd", amount: "3000000" }]);
  await using limited = await startLimited({ limits: [limit] });
  const plain = await limited[operation]({ max_tokens: 60 });
  expect(plain.status).toBe(200);
  const answer = await limited[operation](fields);
  const { status, code: refused } = await refusalOf(answer);
  expect([status, refused]).toEqual(code === undefined ? [400, expect.any(String)] : [429, code]);
  expect(limited.billed() <= 3_000_000n).toBe(true);
});

function part(one: object) {
  return { max_tokens: 60, messages: [{ role: "user", content: [one] }] };
}
function image(url: string) {
  return part({ type: "image_url", image_url: { url } });
}

test("a tool that the vendor runs without a stated maximum has no bound, and a hard budget refuses it", async () => {
  await using limited = await startLimited({ limits: [hard] });
  const tools = (tool: object) => ({ tools: [{ type: "web_search_20250305", name: "web_search", ...tool }] });
  const answer = await limited.message(tools({}));
  const refusal = await refusalOf(answer);
  expect([refusal.status, answer.headers.get("x-should-retry")]).toEqual([400, "false"]);
  expect(refusal.message).toContain("web_search");
  expect(refusal.message).toContain("Budget default/dollars");
  expect((await limited.message(tools({ max_uses: 1 }))).status).toBe(200);
  await limited.gateway.publishMoney({ limits: [{ ...hard, mode: "Warn" }] });
  expect((await limited.message(tools({}))).status).toBe(200);
});

test.for([
  ["chat", false, { max_tokens: 10 }],
  ["chat", true, { max_tokens: 10, stream: true }],
  ["message", true, { max_tokens: 10, stream: true }],
] as const)(
  "a provider that ignores the cap of a %s (stream: %s) makes no cheap call",
  async ([operation, streams, fields]) => {
    await using limited = await startLimited({
      limits: [hard],
      behaviour: () => ({ "ignore-cap": true, tokens: 4_000, ...(streams && { "gap-ms": 1 }) }),
    });
    const answer = await limited[operation](fields);
    const text = await answer.text();
    const event = await limited.event();
    const charged = BigInt((event.costNanoUsd ?? 0) + (event.heldNanoUsd ?? 0));
    expect(await limited.spent("dollars")).toBe(charged);
    if (streams) {
      expect(text).toContain(operation === "chat" ? '"finish_reason":"length"' : '"stop_reason":"max_tokens"');
      expect(event).toMatchObject({ outcome: "Served", code: "output_cap_ignored", estimated: true });
    } else {
      expect(event).toMatchObject({ billingReason: "Overrun", costNanoUsd: Number(limited.billed()) });
      expect(limited.gateway.logged.join("\n")).toContain("cost more than its bound");
    }
    expect(charged >= limited.billed(), `charged ${charged} of ${limited.billed()}`).toBe(true);
  },
);

test("an overrun is charged in full, and nothing is granted until there is room again", async () => {
  const limit = limitPlan("small", [{ unit: "nanoUsd", amount: "3000000" }]);
  await using limited = await startLimited({
    limits: [limit],
    behaviour: () => ({ "ignore-cap": true, tokens: 4_000 }),
  });
  expect((await limited.chat({ max_tokens: 60 })).status).toBe(200);
  expect(await refusalOf(await limited.chat({ max_tokens: 60 }))).toMatchObject({ code: "budget_exhausted" });
  expect(limited.simulator.requests).toHaveLength(1);
  expect(await limited.spent("small")).toBe(limited.billed());
});

test("after an overrun the same model reserves its whole window, and others do not", async () => {
  await using limited = await startLimited({
    limits: [limitPlan("some", [{ unit: "nanoUsd", amount: "500000000" }])],
    behaviour: (request) => (request.body.includes("greedy") ? { "ignore-cap": true, tokens: 4_000 } : { tokens: 5 }),
  });
  const greedy = { max_tokens: 60, messages: [{ role: "user", content: "greedy" }] };
  expect((await limited.chat(greedy)).status).toBe(200);
  expect(await refusalOf(await limited.chat({ max_tokens: 60 }))).toMatchObject({ code: "budget_exhausted" });
  expect((await limited.chat({ model: "gpt-4o-mini", max_tokens: 60 })).status).toBe(200);
});

test("a budget that clamps lowers the cap to what fits, tells the caller, and is not passed", async () => {
  const amount = 5_000_000n;
  const limit = limitPlan("small", [{ unit: "nanoUsd", amount: String(amount) }], { whenShort: "Clamp" });
  await using limited = await startLimited({ limits: [limit] });
  const answer = await limited.chat({ max_tokens: 4_000 });
  expect(answer.status).toBe(200);
  const cap = Number(answer.headers.get("x-sluice-output-cap"));
  expect(cap).toBeGreaterThanOrEqual(64);
  expect(cap).toBeLessThan(500);
  const sent = sentUp(limited);
  expect([sent.max_tokens, sent.max_completion_tokens]).toContain(cap);
  expect(await limited.spent("small")).toBe(limited.billed());
  expect(limited.billed() <= amount).toBe(true);
});

test("a budget that clamps gives no answer of less than 64 tokens", async () => {
  const limit = limitPlan("small", [{ unit: "nanoUsd", amount: "1300000" }], { whenShort: "Clamp" });
  await using limited = await startLimited({ limits: [limit] });
  expect(await refusalOf(await limited.chat({ max_tokens: 4_000 }))).toMatchObject({ code: "budget_exhausted" });
  expect(limited.simulator.requests).toHaveLength(0);
});

test("a budget that rejects says what would fit, and that does fit", async () => {
  const limit = limitPlan("small", [{ unit: "nanoUsd", amount: "5000000" }]);
  await using limited = await startLimited({ limits: [limit] });
  const { message } = await refusalOf(await limited.chat({ max_tokens: 4_000 }));
  const fits = Number(/max_tokens of (\d+)/.exec(message)?.[1]);
  expect(fits, message).toBeGreaterThan(64);
  expect((await limited.chat({ max_tokens: fits + 10 })).status).toBe(429);
  expect((await limited.chat({ max_tokens: fits })).status).toBe(200);
});
