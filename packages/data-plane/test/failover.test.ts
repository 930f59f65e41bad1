/** Which target answers when one fails, and what the caller sees when all have. One plan for every operation. */

import {
  answerWith,
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
  json,
  message,
  messageEvents,
  messageStart,
  ping,
  role,
  stream,
  textDelta,
} from "./answers.ts";
import { startGateway, type TestRoute } from "./gateway.ts";

type Answer = (request: RawRequest, count: number) => void;
type Protocol = "openai" | "anthropic";

async function setup(answers: Answer[], route: Partial<TestRoute> = {}, protocol: Protocol = "openai") {
  const upstreams: RawUpstream[] = [];
  for (const answer of answers) upstreams.push(await createRawUpstream(answer));
  const gateway = await startGateway({
    providers: upstreams.map((upstream, index) => ({ name: `p${index}`, url: upstream.url, protocol })),
    routes: [
      {
        models: ["*"],
        targets: upstreams.map((_upstream, index) => ({ provider: `p${index}`, tier: index })),
        ...route,
      },
    ],
  });
  return {
    gateway,
    calls: () => upstreams.map((upstream) => upstream.requests.length),
    post: (path: string, fields: object = {}) =>
      fetch(`${gateway.url}${path}`, {
        method: "POST",
        body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], ...fields }),
        headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
      }),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      for (const upstream of upstreams) await upstream[Symbol.asyncDispose]();
    },
  };
}

const operations = [
  {
    path: "/v1/chat/completions",
    protocol: "openai",
    fields: {},
    well: (request: RawRequest) => json(request),
    expected: completion,
  },
  {
    path: "/v1/chat/completions",
    protocol: "openai",
    fields: { stream: true },
    well: (request: RawRequest) => stream(request, chatEvents(request)),
    expected: "data: [DONE]",
  },
  {
    path: "/v1/completions",
    protocol: "openai",
    fields: {},
    well: (request: RawRequest) => json(request),
    expected: completion,
  },
  {
    path: "/v1/embeddings",
    protocol: "openai",
    fields: {},
    well: (request: RawRequest) => json(request),
    expected: completion,
  },
  {
    path: "/v1/messages",
    protocol: "anthropic",
    fields: {},
    well: (request: RawRequest) => json(request, message),
    expected: message,
  },
  {
    path: "/v1/messages",
    protocol: "anthropic",
    fields: { stream: true },
    well: (request: RawRequest) => stream(request, messageEvents),
    expected: "message_stop",
  },
  {
    path: "/v1/messages/count_tokens",
    protocol: "anthropic",
    fields: {},
    well: (request: RawRequest) => json(request, '{"input_tokens":3}'),
    expected: '{"input_tokens":3}',
  },
] as const;

const faults: { name: string; fault: Answer; streamOnly?: boolean }[] = [
  { name: "resets before its headers", fault: (request) => request.socket.resetAndDestroy() },
  { name: "closes before its headers", fault: (request) => request.socket.end() },
  {
    name: "answers 500",
    fault: (request) =>
      answerWith(
        request,
        500,
        { "content-type": "application/json" },
        '{"error":{"message":"x","type":"server_error"}}',
      ),
  },
  {
    name: "answers 529",
    fault: (request) =>
      answerWith(request, 529, {}, '{"type":"error","error":{"type":"overloaded_error","message":"x"}}'),
  },
  {
    name: "answers 429",
    fault: (request) => answerWith(request, 429, { "retry-after": "86400" }, '{"error":{"message":"x"}}'),
  },
  {
    name: "answers a web page",
    fault: (request) => answerWith(request, 200, { "content-type": "text/html" }, "<html><body>Welcome</body></html>"),
  },
  {
    name: "cuts its JSON",
    fault: (request) => answerWith(request, 200, { "content-type": "application/json" }, completion.slice(0, 50)),
  },
  {
    name: "promises more bytes than it sends",
    fault: (request) => {
      answerWith(request, 200, { "content-type": "application/json", "content-length": "5000" }, completion);
      request.socket.end();
    },
  },
  { name: "is no HTTP server", fault: (request) => void request.socket.end("SSH-2.0-OpenSSH_9.2\r\n") },
  {
    name: "sends two content-lengths",
    fault: (request) =>
      void request.socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{"a":1}`),
  },
  {
    name: "sends an empty stream",
    streamOnly: true,
    fault: (request) => {
      startEvents(request);
      endChunks(request);
    },
  },
  {
    name: "sends only events without content, then closes",
    streamOnly: true,
    fault: (request) => {
      startEvents(request);
      sendChunk(request, request.path.includes("messages") ? messageStart + ping : role);
      setTimeout(() => request.socket.destroy(), 10);
    },
  },
  {
    name: "sends an error event before any content",
    streamOnly: true,
    fault: (request) => {
      startEvents(request);
      sendChunk(
        request,
        request.path.includes("messages")
          ? `${messageStart}${blockStart}event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n`
          : `${role}data: {"error":{"message":"x","type":"server_error"}}\n\n`,
      );
      endChunks(request);
    },
  },
  {
    name: "sends an endless event",
    streamOnly: true,
    fault: (request) => {
      startEvents(request);
      const line = "x".repeat(512 * 1024);
      for (let sent = 0; sent < 12; sent++) sendChunk(request, line);
    },
  },
];

for (const operation of operations) {
  const streams = "stream" in operation.fields;
  test.for(faults.filter((one) => streams || one.streamOnly !== true))(
    `${operation.path}${streams ? " as a stream" : ""}: a target that $name is replaced by the next, unseen`,
    async ({ fault }) => {
      await using at = await setup([fault, operation.well], {}, operation.protocol);
      const answer = await at.post(operation.path, operation.fields);
      expect(answer.status).toBe(200);
      const text = await answer.text();
      expect(text).toContain(operation.expected);
      expect(text).not.toContain("error");
      expect(at.calls()).toEqual([1, 1]);
      expect((await at.gateway.usage(1))[0]).toMatchObject({ outcome: "Served", attempts: 2, provider: "default/p1" });
    },
  );
}

test("a target that stays silent is given up after the first-byte deadline", async () => {
  await using at = await setup([() => undefined, (request) => stream(request, chatEvents(request))], {
    timeouts: { firstByteMs: 200 },
  });
  const answer = await at.post("/v1/chat/completions", { stream: true });
  expect(await answer.text()).toContain("[DONE]");
  expect(at.calls()).toEqual([1, 1]);
});

test("a target that stalls after its headers is given up the same way, and nothing of it was sent", async () => {
  await using at = await setup(
    [
      (request) => {
        startEvents(request);
        sendChunk(request, role);
      },
      (request) => stream(request, chatEvents(request)),
    ],
    { timeouts: { firstByteMs: 200 } },
  );
  const text = await (await at.post("/v1/chat/completions", { stream: true })).text();
  expect(text.split(role)).toHaveLength(2);
  expect(text).toContain("[DONE]");
});

test("for an answer in one piece the first-byte deadline counts where the Route sets it", async () => {
  const late: Answer = (request) => void setTimeout(() => json(request), 500);
  await using patient = await setup([late], { timeouts: { firstByteMs: 100 }, retry: { attempts: 0 } });
  expect((await patient.post("/v1/chat/completions")).status).toBe(200);
  await using strict = await setup([late], {
    timeouts: { firstByteMs: 100, firstByteForWhole: true },
    retry: { attempts: 0 },
  });
  expect((await strict.post("/v1/chat/completions")).status).toBe(504);
});

test("after content nothing is tried again: the caller would read the beginning twice", async () => {
  await using at = await setup([
    (request) => {
      startEvents(request);
      sendChunk(request, role + chunk({ content: "half" }));
      setTimeout(() => request.socket.destroy(), 10);
    },
    (request) => stream(request, chatEvents(request)),
  ]);
  expect(await (await at.post("/v1/chat/completions", { stream: true })).text()).toContain('"code":"upstream_closed"');
  expect(at.calls()).toEqual([1, 0]);
});

test.for([400, 403, 404, 413, 422])(
  "%i is the caller's own: it is passed on in the provider's words, and nothing else is tried",
  async (status) => {
    const words = `{"error":{"message":"no","type":"invalid_request_error","code":${status},"param":"x"}}`;
    await using at = await setup([
      (request) =>
        answerWith(
          request,
          status,
          {
            "content-type": "application/json",
            "x-ratelimit-remaining-requests": "7",
            "set-cookie": "a=b",
            "retry-after": "3",
          },
          words,
        ),
      (request) => json(request),
    ]);
    const answer = await at.post("/v1/chat/completions");
    expect(answer.status).toBe(status);
    expect(await answer.text()).toBe(words);
    expect(answer.headers.get("x-sluice-error-source")).toBe("upstream");
    expect(answer.headers.get("retry-after")).toBe("3");
    expect(answer.headers.get("x-ratelimit-remaining-requests")).toBeNull();
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(at.calls()).toEqual([1, 0]);
    expect((await at.gateway.usage(1))[0]).toMatchObject({
      outcome: "UpstreamError",
      code: `upstream_${status}`,
      status,
    });
  },
);

test.for([
  ["a page", "<html><h1>Bad gateway</h1></html>", "Bad gateway"],
  ["nothing", "", "no message"],
  ["null", "null", "null"],
  ["a number", "5", "5"],
  ["a list", "[1]", "[1]"],
  ["another shape", '{"detail":"model is loading"}', "model is loading"],
  ["a text as its error", '{"error":"model not loaded"}', "model not loaded"],
  ["cut JSON", '{"error":{"mess', '{"error":{"mess'],
] as const)("an error body that is %s keeps its status and words, in the caller's shape", async ([, body, words]) => {
  for (const protocol of ["openai", "anthropic"] as const) {
    await using at = await setup([(request) => answerWith(request, 400, {}, body)], {}, protocol);
    const answer = await at.post(protocol === "openai" ? "/v1/chat/completions" : "/v1/messages");
    expect(answer.status).toBe(400);
    const told = (await answer.json()) as { type?: string; error: { type: string; message: string } };
    expect(told.error).toMatchObject({ type: "invalid_request_error", message: expect.stringContaining(words) });
    expect(told.type).toBe(protocol === "openai" ? undefined : "error");
  }
});

test.for([
  ["resets", (request: RawRequest) => request.socket.resetAndDestroy(), 502, "upstream_connect"],
  [
    "answers 500",
    (request: RawRequest) => answerWith(request, 500, {}, '{"error":{"message":"broken","type":"server_error"}}'),
    500,
    undefined,
  ],
  [
    "answers 503 with a page",
    (request: RawRequest) => answerWith(request, 503, { "content-type": "text/html" }, "<p>down</p>"),
    503,
    "upstream_503",
  ],
  [
    "answers a web page",
    (request: RawRequest) => answerWith(request, 200, { "content-type": "text/html" }, "<html></html>"),
    502,
    "upstream_malformed",
  ],
  [
    "redirects",
    (request: RawRequest) => answerWith(request, 302, { location: "http://169.254.169.254/" }, ""),
    502,
    "upstream_redirect",
  ],
  [
    "refuses our credential",
    (request: RawRequest) =>
      answerWith(request, 401, {}, '{"error":{"message":"Incorrect API key provided: sk-ven****dor"}}'),
    502,
    "upstream_authentication",
  ],
] as const)(
  "when every target %s the caller gets a status that its SDK understands",
  async ([, fault, status, code]) => {
    await using at = await setup([fault, fault]);
    const answer = await at.post("/v1/chat/completions");
    expect(answer.status).toBe(status);
    const text = await answer.text();
    expect(text).not.toContain("sk-ven");
    if (code !== undefined) expect(JSON.parse(text).error.code).toBe(code);
    expect(answer.headers.get("x-sluice-error-source")).toBe("upstream");
  },
);

test("nobody listens: 502, and the message names the Provider and what to do", async () => {
  const gone = await createRawUpstream(() => undefined);
  await gone[Symbol.asyncDispose]();
  await using gateway = await startGateway({
    providers: [{ name: "up", url: gone.url }],
    routes: [{ models: ["*"], targets: [{ provider: "up" }], retry: { attempts: 0 } }],
  });
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    body: '{"model":"m"}',
    headers: { "x-api-key": gateway.key },
  });
  expect(answer.status).toBe(502);
  expect(await answer.text()).toMatch(
    /connection refused.*Provider default\/up.*sluice describe provider up -n default/,
  );
});

test("a model that no target of the caller's protocol serves is refused, naming both protocols", async () => {
  await using at = await setup([(request) => json(request)], {}, "anthropic");
  const answer = await at.post("/v1/chat/completions");
  expect(answer.status).toBe(400);
  expect(await answer.text()).toMatch(/speaks Anthropic's protocol, and this call speaks OpenAI's/);
  expect(at.calls()).toEqual([0]);
});

test("what a Route does not list is not retried", async () => {
  await using at = await setup(
    [(request) => answerWith(request, 500, {}, '{"error":{"message":"x"}}'), (request) => json(request)],
    { retry: { on: ["ConnectFailure"] } },
  );
  expect((await at.post("/v1/chat/completions")).status).toBe(500);
  expect(at.calls()).toEqual([1, 0]);
});

test("one target alone is tried again after a pause, as often as the Route says", async () => {
  await using at = await setup([(request, count) => (count < 3 ? answerWith(request, 503, {}, "{}") : json(request))], {
    retry: { attempts: 2 },
  });
  expect((await at.post("/v1/chat/completions")).status).toBe(200);
  expect(at.calls()).toEqual([3]);
});

test("a provider that asks for a long wait is not waited for: its caller is told at once", async () => {
  await using at = await setup([
    (request) =>
      answerWith(request, 429, { "retry-after": "30" }, '{"error":{"message":"slow down","type":"rate_limit"}}'),
  ]);
  const answer = await at.post("/v1/chat/completions");
  expect(answer.status).toBe(429);
  expect(answer.headers.get("retry-after")).toBe("30");
  expect(at.calls()).toEqual([1]);
});

test.for(["-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "0", "1e400"])(
  "a retry-after of %j breaks nothing",
  async (value) => {
    await using at = await setup([
      (request, count) =>
        count === 1 ? answerWith(request, 429, { "retry-after": value }, '{"error":{"message":"x"}}') : json(request),
    ]);
    expect((await at.post("/v1/chat/completions")).status).toBe(200);
  },
);

test("calls are shared by weight inside a tier, exactly", async () => {
  await using at = await setup([(request) => json(request), (request) => json(request)], {
    targets: [
      { provider: "p0", weight: 9 },
      { provider: "p1", weight: 1 },
    ],
  });
  for (let call = 0; call < 20; call++) await (await at.post("/v1/chat/completions")).text();
  expect(at.calls()).toEqual([18, 2]);
});

test("the total deadline ends a call that drips, whatever comes", async () => {
  await using at = await setup(
    [
      (request) => {
        request.socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n");
        const drip = setInterval(() => request.socket.write(" "), 30);
        request.closed.then(() => clearInterval(drip));
      },
    ],
    { timeouts: { totalMs: 400 }, retry: { attempts: 0 } },
  );
  expect((await at.post("/v1/chat/completions")).status).toBe(504);
});

test("a stream's text in an error that a model wrote is no error", async () => {
  const quoted = chunk({ content: 'event: error data: {"error":{"message":"no"}}' });
  await using at = await setup([(request) => stream(request, [role, quoted, chunk({}, "stop"), "data: [DONE]\n\n"])]);
  expect(await (await at.post("/v1/chat/completions", { stream: true })).text()).toContain("[DONE]");
  await using claude = await setup(
    [(request) => stream(request, [messageStart, blockStart, textDelta("event: error"), ...messageEvents.slice(5)])],
    {},
    "anthropic",
  );
  expect(await (await claude.post("/v1/messages", { stream: true })).text()).toContain("message_stop");
});
