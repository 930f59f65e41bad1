/** What reaches the caller of an answer, byte for byte, in one piece and in streams. */

import {
  createRawUpstream,
  endChunks,
  type RawRequest,
  type RawUpstream,
  sendChunk,
  startEvents,
} from "@sluice/simulators/raw";
import { expect, test } from "vitest";
import {
  blockStart,
  chatEvents,
  chunk,
  completion,
  done,
  json,
  message,
  messageEvents,
  messageStart,
  role,
  stop,
  stream,
  textDelta,
  usageChunk,
} from "./answers.ts";
import { startGateway, waitFor } from "./gateway.ts";

const chatBody = (fields: object = {}) =>
  JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "hi" }], ...fields });

async function setup(
  answer: (request: RawRequest, count: number) => void,
  options: { protocol?: "openai" | "anthropic"; attempts?: number; timeouts?: object } = {},
) {
  const upstream: RawUpstream = await createRawUpstream(answer);
  const gateway = await startGateway({
    providers: [{ name: "up", url: upstream.url, protocol: options.protocol ?? "openai", credential: "sk-vendor" }],
    routes: [
      {
        models: ["*"],
        targets: [{ provider: "up" }],
        retry: { attempts: options.attempts ?? 0 },
        timeouts: options.timeouts ?? {},
      },
    ],
  });
  const post = (path: string, body: string, init: RequestInit = {}) =>
    fetch(`${gateway.url}/api/inference${path}`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
      ...init,
    });
  return {
    upstream,
    gateway,
    post,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("an answer in one piece is the provider's bytes, and its usage is recorded", async () => {
  await using at = await setup((request) => json(request));
  const answer = await at.post("/chat/completions", chatBody());
  expect(await answer.text()).toBe(completion);
  expect(answer.status).toBe(200);
  const [event] = await at.gateway.usage(1);
  expect(event).toMatchObject({
    outcome: "Served",
    status: 200,
    operation: "chat.completions",
    protocol: "openai",
    key: "default/dev",
    team: "search",
    service: "web",
    user: "ada",
    metadata: { env: "test" },
    model: "gpt-4o",
    upstreamModel: "gpt-4o",
    route: "default/chat",
    target: "t0",
    provider: "default/up",
    upstreamRequestId: "up_1",
    attempts: 1,
    stream: false,
    tokens: { input: 9, output: 3 },
    responseBytes: completion.length,
  });
  expect(event?.requestId).toBe(answer.headers.get("x-sluice-request-id"));
});

test("usage is read from the answer's own member, not from one of the same name that a model wrote", async () => {
  await using at = await setup((request) => json(request, message), { protocol: "anthropic" });
  expect(await (await at.post("/v1/messages", chatBody({ max_tokens: 5 }))).text()).toBe(message);
  const [event] = await at.gateway.usage(1);
  expect(event?.tokens).toMatchObject({ input: 11, output: 5 });
});

test("an answer too long to hold passes as it comes, with its usage", async () => {
  const long = JSON.stringify({ data: "x".repeat(3_000_000), usage: { prompt_tokens: 5, total_tokens: 5 } });
  await using at = await setup((request) => json(request, long));
  expect(await (await at.post("/embeddings", chatBody())).text()).toBe(long);
  const [event] = await at.gateway.usage(1);
  expect(event).toMatchObject({ outcome: "Served", tokens: { input: 5 }, responseBytes: long.length });
});

test("a stream is the provider's events; the usage event that only the gateway asked for is withheld and recorded", async () => {
  await using at = await setup((request) => stream(request, chatEvents(request)));
  const text = await (await at.post("/chat/completions", chatBody({ stream: true }))).text();
  expect(text).toBe([role, chunk({ content: "hé" }), chunk({ content: "llo" }), stop, done].join(""));
  expect(JSON.parse(at.upstream.requests[0]?.body.toString() ?? "").stream_options).toEqual({ include_usage: true });
  const [event] = await at.gateway.usage(1);
  expect(event).toMatchObject({ outcome: "Served", stream: true, tokens: { input: 4, output: 2 } });
  expect(event?.firstByteMs).toBeGreaterThan(0);
});

test("a caller who asks for usage gets the usage event", async () => {
  await using at = await setup((request) => stream(request, chatEvents(request)));
  const text = await (
    await at.post("/chat/completions", chatBody({ stream: true, stream_options: { include_usage: true } }))
  ).text();
  expect(text).toContain(usageChunk);
});

test("an Anthropic stream passes unchanged, its body too, and its usage is the last told", async () => {
  await using at = await setup((request) => stream(request, messageEvents), { protocol: "anthropic" });
  const body = chatBody({ stream: true, max_tokens: 9 });
  expect(await (await at.post("/v1/messages?beta=true", body)).text()).toBe(messageEvents.join(""));
  expect(at.upstream.requests[0]?.body.toString()).toBe(body);
  expect(at.upstream.requests[0]?.path).toBe("/v1/messages?beta=true");
  expect((await at.gateway.usage(1))[0]?.tokens).toMatchObject({ input: 10, output: 34 });
});

test("wherever the network cuts a stream's bytes, the caller gets the same", async () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  await using at = await setup(async (request) => {
    const bytes = Buffer.from(chatEvents(request).join(""));
    startEvents(request);
    for (let start = 0; start < bytes.length; ) {
      const end = Math.min(bytes.length, start + 1 + random(40));
      sendChunk(request, bytes.subarray(start, end));
      start = end;
      if (random(4) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    endChunks(request);
  });
  const whole = [role, chunk({ content: "hé" }), chunk({ content: "llo" }), stop, done].join("");
  for (let call = 0; call < 40; call++)
    expect(await (await at.post("/chat/completions", chatBody({ stream: true }))).text()).toBe(whole);
  for (const event of await at.gateway.usage(40)) expect(event.tokens).toMatchObject({ input: 4, output: 2 });
});

test("events reach the caller as they come, not in one piece", async () => {
  let go: (() => void) | undefined;
  await using at = await setup(async (request) => {
    startEvents(request);
    sendChunk(request, role);
    sendChunk(request, chunk({ content: "first" }));
    await new Promise<void>((resolve) => {
      go = resolve;
    });
    sendChunk(request, stop + done);
    endChunks(request);
  });
  const answer = await at.post("/chat/completions", chatBody({ stream: true }));
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  let seen = "";
  while (!seen.includes("first")) seen += Buffer.from((await reader.read()).value ?? []).toString();
  expect(seen).not.toContain("[DONE]");
  go?.();
  for (let part = await reader.read(); !part.done; part = await reader.read())
    seen += Buffer.from(part.value).toString();
  expect(seen.endsWith(done)).toBe(true);
});

test("a stream that is cut after content ends in exactly one error event of the caller's protocol, and no end marker", async () => {
  await using openai = await setup((request) => {
    startEvents(request);
    sendChunk(request, `${role}${chunk({ content: "half" })}data: {"id":"c1","choi`);
    setTimeout(() => request.socket.destroy(), 20);
  });
  const text = await (await openai.post("/chat/completions", chatBody({ stream: true }))).text();
  const events = text.split("\n\n").filter((part) => part !== "");
  expect(events).toHaveLength(3);
  expect(JSON.parse((events[2] ?? "").replace("data: ", ""))).toMatchObject({
    error: { code: "upstream_closed", type: "server_error" },
  });
  expect(text).not.toContain("[DONE]");
  expect((await openai.gateway.usage(1))[0]).toMatchObject({
    outcome: "UpstreamFailed",
    code: "upstream_closed",
    status: 200,
  });

  await using anthropic = await setup(
    (request) => {
      startEvents(request);
      sendChunk(request, messageStart + blockStart + textDelta("half"));
      endChunks(request); // a clean end of HTTP without message_stop
    },
    { protocol: "anthropic" },
  );
  const told = await (await anthropic.post("/messages", chatBody({ stream: true }))).text();
  expect(told).toMatch(/event: error\ndata: \{"type":"error","error":\{"type":"api_error"/);
  expect(told).not.toContain("message_stop");
  expect((await anthropic.gateway.usage(1))[0]).toMatchObject({ outcome: "UpstreamFailed", tokens: { input: 10 } });
});

test("a stream without its end marker is whole when the model had finished", async () => {
  await using at = await setup((request) => stream(request, [role, chunk({ content: "hi" }), stop]));
  const text = await (await at.post("/chat/completions", chatBody({ stream: true }))).text();
  expect(text).toBe(role + chunk({ content: "hi" }) + stop);
  expect((await at.gateway.usage(1))[0]).toMatchObject({ outcome: "Served" });
});

test("a last event without its blank line is not lost", async () => {
  await using at = await setup((request) => stream(request, [role, chunk({ content: "hi" }), stop, "data: [DONE]"]));
  expect(await (await at.post("/chat/completions", chatBody({ stream: true }))).text()).toBe(
    role + chunk({ content: "hi" }) + stop + done,
  );
});

test("the provider's error event keeps its type, code and words", async () => {
  const error = 'data: {"error":{"message":"try later","type":"overloaded","code":77}}\n\n';
  await using at = await setup((request) => stream(request, [role, chunk({ content: "hi" }), error]));
  const text = await (await at.post("/chat/completions", chatBody({ stream: true }))).text();
  expect(text).toBe(role + chunk({ content: "hi" }) + error);
  expect((await at.gateway.usage(1))[0]).toMatchObject({ outcome: "UpstreamError", code: "upstream_overloaded" });
});

test("an upstream that stops midway is given up after the idle deadline, with an error event", async () => {
  await using at = await setup(
    (request) => {
      startEvents(request);
      sendChunk(request, role + chunk({ content: "half" }));
    },
    { timeouts: { idleMs: 200 } },
  );
  const text = await (await at.post("/chat/completions", chatBody({ stream: true }))).text();
  expect(text).toContain('"code":"upstream_timeout"');
  await at.upstream.requests[0]?.closed;
  expect((await at.gateway.usage(1))[0]).toMatchObject({ outcome: "UpstreamFailed", code: "upstream_timeout" });
});

test("comments keep a stream from being idle, and do not count as its first content", async () => {
  const comment = ": working\n\n";
  await using lively = await setup(
    async (request) => {
      startEvents(request);
      for (let beat = 0; beat < 8; beat++) {
        sendChunk(request, comment);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      sendChunk(request, role + chunk({ content: "hi" }) + stop + done);
      endChunks(request);
    },
    { timeouts: { idleMs: 500 } },
  );
  expect(await (await lively.post("/chat/completions", chatBody({ stream: true }))).text()).toContain(done);

  await using stalling = await setup(
    (request) => {
      startEvents(request);
      const beat = setInterval(() => sendChunk(request, comment), 20);
      request.closed.then(() => clearInterval(beat));
    },
    { timeouts: { firstByteMs: 300 }, attempts: 1 },
  );
  const answer = await stalling.post("/chat/completions", chatBody({ stream: true }));
  // The first was given up unseen; of the last, with nothing left to try, the beginning passes at once.
  expect(await answer.text()).toContain('"code":"upstream_timeout"');
  expect(stalling.upstream.requests).toHaveLength(2);
});

test.for([
  ["a stream", true, "before the first token"],
  ["a stream", true, "midway"],
  ["an answer in one piece", false, "before the first token"],
] as const)("a caller who leaves %s (%j) %s ends the upstream call at once", async ([, streaming, when]) => {
  await using at = await setup((request) => {
    if (when === "midway") {
      startEvents(request);
      sendChunk(request, role + chunk({ content: "hi" }));
    }
  });
  const leaving = new AbortController();
  const answer = at.post("/chat/completions", chatBody({ stream: streaming }), { signal: leaving.signal });
  answer.catch(() => undefined);
  if (when === "midway") await answer;
  await waitFor(() => at.upstream.requests.length === 1, "the upstream call");
  leaving.abort();
  await at.upstream.requests[0]?.closed;
  expect((await at.gateway.usage(1))[0]).toMatchObject({
    outcome: "ClientAborted",
    status: when === "midway" ? 200 : 0,
  });
});

test("a slow reader holds the provider back, and memory stays flat", async () => {
  const piece = chunk({ content: "x".repeat(8_000) });
  let sent = 0;
  await using at = await setup(async (request) => {
    startEvents(request);
    let gone = false;
    request.closed.then(() => {
      gone = true;
    });
    for (let count = 0; count < 20_000 && !gone; count++) {
      sent += piece.length;
      if (!sendChunk(request, piece))
        await Promise.race([new Promise((resolve) => request.socket.once("drain", resolve)), request.closed]);
    }
    if (!gone) {
      sendChunk(request, stop + done);
      endChunks(request);
    }
  });
  const leaving = new AbortController();
  const answer = await at.post("/chat/completions", chatBody({ stream: true }), { signal: leaving.signal });
  await waitFor(() => sent > 100_000, "the first bytes");
  let before = -1;
  // The buffers on the way fill; then nothing moves.
  await waitFor(async () => {
    const still = sent === before;
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return still;
  }, "the provider to be held back");
  expect(sent).toBeLessThan(40 * 1024 * 1024);
  leaving.abort();
  await answer.body?.cancel().catch(() => undefined);
  await at.upstream.requests[0]?.closed;
});
