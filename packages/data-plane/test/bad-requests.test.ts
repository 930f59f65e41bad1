/** What callers get who send what no SDK would: an error in their protocol's shape, nothing upstream, memory flat. */

import { connect } from "node:net";
import { createRawUpstream, type RawUpstream } from "@sluice/simulators/raw";
import { afterAll, beforeAll, expect, test } from "vitest";
import { completion, json } from "./answers.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { rawPost, sendRaw } from "./raw-client.ts";

let upstream: RawUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await createRawUpstream((request) => json(request));
  gateway = await startGateway({
    providers: [{ name: "up", url: upstream.url, credential: "sk-vendor" }],
    routes: [{ models: ["gpt-4o", "a-*"], targets: [{ provider: "up" }] }],
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const good = '{"model":"gpt-4o"}';
const post = (body: string | Buffer, headers: Record<string, string> = {}, path = "/api/inference/chat/completions") =>
  fetch(`${gateway.url}${path}`, {
    method: "POST",
    body: body as string,
    headers: { authorization: `Bearer ${gateway.key}`, ...headers },
  });

/** After each kind of abuse the gateway still serves, and the abuse has not reached the provider. */
async function nothingReachedTheProvider(calls: number) {
  expect(upstream.requests).toHaveLength(calls);
  expect(await (await post(good)).text()).toBe(completion);
}

test.for([
  ["no body", "", "is empty"],
  ["cut JSON", '{"model":"gpt-4o"', "comma or the end"],
  ["a list", "[]", "Expected a JSON object"],
  ["text after the object", `${good}x`, "after the JSON object"],
  ["no model", '{"messages":[]}', "'model' is missing"],
  ["a model that is a number", '{"model":4}', "must be a string"],
  ["two models", '{"model":"a","model":"b"}', "stands twice"],
  ["an absurd depth", `{"model":"gpt-4o","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "deeper than 64"],
  [
    "a million keys and a bad end",
    `{${Array.from({ length: 100_000 }, (_value, index) => `"k${index}":1`).join(",")},}`,
    "in quotes",
  ],
  ["a path for a model", '{"model":"../../admin"}', "letters, digits"],
  ["a model with a query", '{"model":"a-b:stream?x=y"}', "letters, digits"],
  ["a model of 10 KB", `{"model":"${"m".repeat(10_240)}"}`, "at most 256"],
  ["control characters in a model", '{"model":"a-\\u0000"}', "letters, digits"],
  ["a stream that is a text", '{"model":"gpt-4o","stream":"true"}', "true or false"],
  ["a negative limit", '{"model":"gpt-4o","max_tokens":-1}', "whole number"],
] as const)(
  "a body with %s gets 400 that says what is wrong, in OpenAI's and in Anthropic's shape",
  async ([, body, words]) => {
    const calls = upstream.requests.length;
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { type: "invalid_request_error", code: "body_invalid", message: expect.stringContaining(words) },
    });
    const told = await post(body, { "anthropic-version": "2023-06-01" }, "/api/inference/v1/messages");
    expect(told.status).toBe(400);
    expect(await told.json()).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error" },
      request_id: told.headers.get("request-id"),
    });
    expect(upstream.requests).toHaveLength(calls);
  },
);

test("a body that is not UTF-8 gets 400", async () => {
  const answer = await post(
    Buffer.concat([Buffer.from('{"model":"gpt-4o","x":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
  );
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("UTF-8");
});

test("names that pollute prototypes and numbers that no double holds go up as the bytes that they are", async () => {
  const body = '{"model":"gpt-4o","__proto__":{"x":1},"constructor":2,"n":1,"big":18446744073709551616,"e":1e999}';
  expect((await post(body)).status).toBe(200);
  expect(upstream.requests.at(-1)?.body.toString()).toBe(body);
});

test("an unknown model gets 404 with the names that this key may use", async () => {
  const answer = await post('{"model":"gpt-9"}');
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({
    error: {
      code: "model_not_found",
      param: "model",
      message: expect.stringMatching(/This key may use: gpt-4o\..*request req_\w+; see: sluice get routes/),
    },
  });
});

test.for(["ｇpt-4o", "gpt-4o ", "GPT-4o", "gpt-4o.", "gpt-4о"])(
  "%j is not gpt-4o: names are compared byte by byte",
  async (model) => {
    expect([400, 404]).toContain((await post(JSON.stringify({ model }))).status);
  },
);

test("a body of 10 MB passes by default, one beyond the Gateway's bound gets 413 that names the field", async () => {
  const large = JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "x".repeat(10_000_000) }] });
  expect(await (await post(large)).text()).toBe(completion);
  const calls = upstream.requests.length;
  const answer = await sendRaw(
    gateway.port,
    rawPost({ key: gateway.key, headers: ["content-length: 104857600"], body: "{" }),
  );
  expect(answer.status).toBe(413);
  expect(answer.body).toMatch(/33554432 bytes, the Gateway's maxBodyBytes.*Gateway default\/main/);
  expect(answer.closed).toBe(true);
  expect(upstream.requests).toHaveLength(calls);
});

test("a hundred megabytes without a length get 413 as soon as they are too many, and are not kept", async () => {
  const calls = upstream.requests.length;
  const before = process.memoryUsage().rss;
  const socket = connect(gateway.port, "127.0.0.1");
  let answer = "";
  const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()).on("error", () => resolve()));
  socket.on("data", (piece) => {
    answer += piece.toString();
  });
  socket.write(rawPost({ key: gateway.key, headers: ["transfer-encoding: chunked"], body: "" }));
  const piece = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(1024 * 1024, "x"), Buffer.from("\r\n")]);
  for (let sent = 0; sent < 100 && !socket.destroyed && answer === ""; sent++) {
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  }
  await ended;
  expect(answer).toContain("413");
  expect(process.memoryUsage().rss - before).toBeLessThan(250 * 1024 * 1024);
  await nothingReachedTheProvider(calls);
});

test("a body that drips a byte at a time is given up with 408 in the caller's shape", { timeout: 30_000 }, async () => {
  const socket = connect(gateway.port, "127.0.0.1");
  socket.write(rawPost({ path: "/v1/messages", key: gateway.key, headers: ["content-length: 1000"], body: "{" }));
  const drip = setInterval(() => socket.write(" "), 200);
  let answer = "";
  socket.on("data", (piece) => {
    answer += piece.toString();
  });
  await new Promise<void>((resolve) => socket.on("close", () => resolve()).on("error", () => resolve()));
  clearInterval(drip);
  expect(answer).toMatch(/^HTTP\/1\.1 408/);
  expect(answer).toContain('"type":"error"');
});

test.for([
  ["content-length and transfer-encoding", ["content-length: 2", "transfer-encoding: chunked"]],
  ["two content-lengths", ["content-length: 2", "content-length: 3"]],
  ["a content-length with a sign", ["content-length: +2"]],
  ["a content-length in hexadecimal", ["content-length: 0x2"]],
  ["chunked before identity", ["transfer-encoding: chunked, identity"]],
  ["an unknown transfer coding", ["transfer-encoding: xchunked"]],
  ["a folded header", ["x-a: b", " c: d", "content-length: 2"]],
  ["a space before a colon", ["content-length : 2"]],
  ["a NUL in a value", ["x-a: b\0c", "content-length: 2"]],
] as const)("%s: 400, the connection is closed", async ([, headers]) => {
  const calls = upstream.requests.length;
  const answer = await sendRaw(gateway.port, rawPost({ key: gateway.key, headers: [...headers], body: "{}" }));
  expect(answer.status).toBe(400);
  expect(answer.closed).toBe(true);
  expect(JSON.parse(answer.body)).toHaveProperty("error.message");
  await nothingReachedTheProvider(calls);
});

test("bare line feeds, endless chunk extensions and absurd chunk sizes are refused", async () => {
  const calls = upstream.requests.length;
  const bare = await sendRaw(gateway.port, `POST /v1/chat/completions HTTP/1.1\nhost: x\ncontent-length: 2\n\n{}`);
  expect(bare.status).toBe(400);
  const chunked = rawPost({ key: gateway.key, headers: ["transfer-encoding: chunked"], body: "" });
  expect([400, 413]).toContain(
    (await sendRaw(gateway.port, `${chunked}2;${"x".repeat(65_536)}\r\n{}\r\n0\r\n\r\n`)).status,
  );
  expect([400, 413]).toContain((await sendRaw(gateway.port, `${chunked}10000000000000000\r\n{}`)).status);
  await nothingReachedTheProvider(calls);
});

test("a megabyte of headers is refused", async () => {
  const answer = await sendRaw(
    gateway.port,
    rawPost({ key: gateway.key, headers: [`x-large: ${"x".repeat(1024 * 1024)}`, "content-length: 2"], body: "{}" }),
  );
  expect(answer.status).toBe(400);
  expect(answer.closed).toBe(true);
});

test("headers that are named hop-by-hop by the caller change nothing of what goes up", async () => {
  const answer = await sendRaw(
    gateway.port,
    rawPost({
      key: gateway.key,
      headers: [
        "connection: content-length, authorization, keep-alive",
        `content-length: ${good.length}`,
        "te: trailers",
        "x-portkey-custom-host: http://evil",
        "x-forwarded-host: evil",
        "cookie: a=b",
        "proxy-authorization: Basic eA==",
      ],
      body: good,
    }),
  );
  expect(answer.status).toBe(200);
  const headers: Record<string, string> = { ...upstream.requests.at(-1)?.headers };
  expect(headers.authorization).toBe("Bearer sk-vendor");
  expect(headers["content-length"]).toBe(String(good.length));
  expect(Object.keys(headers).sort()).toEqual([
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
  ]);
});

test.for([
  "http://169.254.169.254/v1/chat/completions",
  "//v1/chat/completions",
  "/v1/../v1/chat/completions",
  "/v1/%63hat/completions",
  "/v1/chat/completions/",
  "/v1/chat/completions;x",
  "/v1/chat%2fcompletions",
  "/apis/sluice.dev",
  "/v1/v1/v1/chat/completions",
  "*",
])("the target %s is nowhere: paths are compared as they are", async (path) => {
  const calls = upstream.requests.length;
  const answer = await sendRaw(gateway.port, rawPost({ path, key: gateway.key, body: good }));
  expect([400, 404]).toContain(answer.status);
  expect(upstream.requests).toHaveLength(calls);
});

test("a Host that holds a path routes nowhere else", async () => {
  for (const host of ["x/#@evil", "127.0.0.1:4142", "evil/apis"]) {
    const answer = await sendRaw(
      gateway.port,
      `POST /v1/chat/completions HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${gateway.key}\r\ncontent-length: ${good.length}\r\n\r\n${good}`,
    );
    expect(answer.status).toBe(200);
    expect(upstream.requests.at(-1)?.headers.host).toBe(upstream.url.replace("http://", ""));
  }
});

test.for([
  ["authorization", "authorization: Bearer x"],
  ["host", "host: other"],
] as const)("the header %s twice gets 400", async ([name, line]) => {
  const answer = await sendRaw(
    gateway.port,
    rawPost({ key: gateway.key, headers: [line, `content-length: ${good.length}`], body: good }),
  );
  expect([400, 401]).toContain(answer.status);
  expect(answer.body).toContain(name);
});

test("a compressed body gets 415, whatever it would unpack to", async () => {
  for (const coding of ["gzip", "br", "zstd", "gzip, gzip, gzip"]) {
    const answer = await post(good, { "content-encoding": coding });
    expect(answer.status).toBe(415);
  }
  expect((await post(good, { "content-encoding": "identity" })).status).toBe(200);
});

test("methods that mean something else get 405 or nothing", async () => {
  const calls = upstream.requests.length;
  for (const method of ["GET", "PUT", "DELETE", "OPTIONS", "TRACE"]) {
    const answer = await sendRaw(
      gateway.port,
      `${method} /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${gateway.key}\r\n\r\n`,
    );
    expect(answer.status).toBe(405);
    expect(answer.headers).toContain("allow: POST");
  }
  expect((await sendRaw(gateway.port, "CONNECT evil:443 HTTP/1.1\r\nhost: evil\r\n\r\n")).status).not.toBe(200);
  await nothingReachedTheProvider(calls);
});

test("a WebSocket to /responses gets 426, so that its client falls back at once", async () => {
  const answer = await sendRaw(
    gateway.port,
    `GET /api/inference/responses HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nauthorization: Bearer ${gateway.key}\r\n\r\n`,
  );
  expect(answer.status).toBe(426);
  expect(JSON.parse(answer.body)).toHaveProperty("error.code", "websocket_unsupported");
});

test("`Expect: 100-continue` is answered, and trailers are dropped", async () => {
  const expecting = await sendRaw(
    gateway.port,
    rawPost({ key: gateway.key, headers: ["expect: 100-continue", `content-length: ${good.length}`], body: good }),
  );
  expect(expecting.status).toBe(200);
  const trailing = await sendRaw(
    gateway.port,
    rawPost({
      key: gateway.key,
      headers: ["transfer-encoding: chunked", "trailer: authorization"],
      body: `${good.length.toString(16)}\r\n${good}\r\n0\r\nauthorization: Bearer other\r\n\r\n`,
    }),
  );
  expect(trailing.status).toBe(200);
  expect(upstream.requests.at(-1)?.headers.authorization).toBe("Bearer sk-vendor");
});

test("callers who leave in the middle of their body are recorded, and nothing goes up", async () => {
  const calls = upstream.requests.length;
  const recorded = (await gateway.usage(1)).length;
  const socket = connect(gateway.port, "127.0.0.1");
  socket.write(rawPost({ key: gateway.key, headers: ["content-length: 1000"], body: "{" }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  const events = await gateway.usage(recorded + 1);
  expect(events.some((event) => event.outcome === "ClientAborted" && event.attempts === 0)).toBe(true);
  expect(upstream.requests).toHaveLength(calls);
});

test("random bytes to the port never take the gateway down", async () => {
  let seed = 3;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 60; round++) {
    const bytes = Buffer.from(rawPost({ key: gateway.key, body: good }));
    for (let change = 0; change < 4; change++) bytes[random(bytes.length)] = random(256);
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.end(bytes);
    await new Promise<void>((resolve) => socket.on("data", () => undefined).on("close", () => resolve()));
  }
  expect(gateway.logged.filter((line) => line.includes("fault"))).toEqual([]);
  expect(await (await post(good)).text()).toBe(completion);
});
