/** Who may call, what they may ask for, and how each is told in its own protocol. */

import { createRawUpstream, type RawUpstream, sendChunk, startEvents } from "@sluice/simulators/raw";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chunk, completion, json, message, role } from "./answers.ts";
import { startGateway, type TestGateway, waitFor } from "./gateway.ts";

let openai: RawUpstream;
let anthropic: RawUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  openai = await createRawUpstream((request) => {
    if (!request.body.includes("hold")) return json(request);
    startEvents(request);
    sendChunk(request, role + chunk({ content: "held" }));
    return undefined;
  });
  anthropic = await createRawUpstream((request) => json(request, message));
  gateway = await startGateway({
    providers: [
      {
        name: "openai",
        url: openai.url,
        credential: "sk-openai",
        models: ["gpt-4o", "gpt-4.1", "o3"],
        headers: [
          ["x-team", "{{team}}"],
          ["x-who", "{{user}}@{{key}}"],
          ["x-fixed", "yes"],
        ],
      },
      { name: "anthropic", url: anthropic.url, credential: "sk-ant", protocol: "anthropic" },
    ],
    routes: [
      { name: "alias", models: ["chat"], targets: [{ provider: "openai", model: "gpt-4o-2024-08-06" }] },
      { name: "gpt", models: ["gpt-*"], targets: [{ provider: "openai" }] },
      { name: "gpt-5", models: ["gpt-5*"], targets: [{ provider: "openai", model: "gpt-5-mini" }] },
      { name: "claude", models: ["claude-sonnet-4-5"], targets: [{ provider: "anthropic" }] },
      {
        name: "own",
        namespace: "team-b",
        models: ["llama", "chat"],
        targets: [{ provider: "openai", model: "llama-3" }],
      },
    ],
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await openai[Symbol.asyncDispose]();
  await anthropic[Symbol.asyncDispose]();
});

const call = (
  key: string | undefined,
  model = "chat",
  headers: Record<string, string> = {},
  path = "/v1/chat/completions",
) =>
  fetch(`${gateway.url}${path}`, {
    method: "POST",
    body: JSON.stringify({ model }),
    headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
  });
async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { error: { code: string } }).error.code;
}
const sentModel = () => JSON.parse(openai.requests.at(-1)?.body.toString() ?? "{}").model;

test.for(["authorization", "x-api-key", "api-key", "x-goog-api-key"])("a key is taken from %s", async (header) => {
  const answer = await call(undefined, "chat", {
    [header]: header === "authorization" ? `bearer ${gateway.key}` : gateway.key,
  });
  expect(await answer.text()).toBe(completion);
});

test("one key in two headers is one key, two keys are refused naming both headers", async () => {
  expect((await call(gateway.key, "chat", { "x-api-key": gateway.key })).status).toBe(200);
  const answer = await call(gateway.key, "chat", { "x-api-key": await gateway.issue() });
  expect(answer.status).toBe(401);
  expect(await answer.text()).toMatch(/authorization and x-api-key/);
});

/** What callers present by mistake or in bad faith. */
function presented(what: string): string | undefined {
  if (what === "none") return undefined;
  if (what === "a vendor's") return "sk-proj-abcdef";
  if (what === "one letter wrong") return `${gateway.key.slice(0, -1)}${gateway.key.endsWith("a") ? "b" : "a"}`;
  if (what === "far too long") return `sk-sluice-${"a".repeat(8_000)}`;
  return "sk-sluice-1BnWgFjkORE3fXEcMpOx34adJrnz8Bv1S9mILiFj9Aj0sNnUj";
}

test.for([
  ["none", 401, "key_missing"],
  ["a vendor's", 401, "key_unknown"],
  ["one letter wrong", 401, "key_malformed"],
  ["never issued", 401, "key_unknown"],
  ["far too long", 401, "key_malformed"],
] as const)("a key that is %s is refused in both protocols' shapes", async ([what, status, code]) => {
  const key = presented(what);
  const answer = await call(key);
  expect(answer.status).toBe(status);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ error: { type: "authentication_error", code } });
  expect(answer.headers.get("x-sluice-error-source")).toBe("gateway");
  if (key !== undefined && key.length > 20) expect(text).not.toContain(key.slice(10, 30));
  const told = await call(key, "claude-sonnet-4-5", {}, "/v1/messages");
  expect(await told.json()).toMatchObject({
    type: "error",
    error: { type: "authentication_error", details: { error_code: code } },
  });
});

test.for([
  [{ state: "Suspended" }, 403, "key_suspended"],
  [{ state: "Revoked" }, 401, "key_revoked"],
  [{ expiresAtMs: 1_700_000_000_000 }, 401, "key_expired"],
] as const)("a key with %j is refused, naming it and how to look at it", async ([entry, status, code]) => {
  const answer = await call(await gateway.issue({ id: "team-a/batch", ...entry }));
  expect(answer.status).toBe(status);
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  expect(error.code).toBe(code);
  expect(error.message).toContain("VirtualKey team-a/batch");
});

test("a revoked key is refused at once, its calls in flight end with an error event, and the record says so", async () => {
  const key = await gateway.issue({ id: "default/doomed" });
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "chat", stream: true, user: "hold" }),
    headers: { authorization: `Bearer ${key}` },
  });
  const text = answer.text();
  await gateway.setKey(key, { id: "default/doomed", state: "Revoked" });
  expect(await codeOf(await call(key))).toBe("key_revoked");
  expect(await text).toContain('"code":"key_revoked"');
  await openai.requests.find((request) => request.body.includes("hold"))?.closed;
  const events = await gateway.usage(1);
  await waitFor(
    () => events.some((event) => event.key === "default/doomed" && event.stream && event.outcome === "Refused"),
    "the record of the ended stream",
  );
});

test("exact name before longest prefix before shorter prefix, and an alias sends the target's name", async () => {
  await call(gateway.key, "chat");
  expect(sentModel()).toBe("gpt-4o-2024-08-06");
  await call(gateway.key, "gpt-4.1-mini");
  expect(sentModel()).toBe("gpt-4.1-mini");
  await call(gateway.key, "gpt-5-nano");
  expect(sentModel()).toBe("gpt-5-mini");
});

test("a Route of another namespace is for its own keys, and gives way to a shared one unless the Gateway says otherwise", async () => {
  expect(await codeOf(await call(gateway.key, "llama"))).toBe("model_not_found");
  const own = await gateway.issue({ namespace: "team-b", id: "team-b/key" });
  await call(own, "llama");
  expect(sentModel()).toBe("llama-3");
  await call(own, "chat");
  expect(sentModel()).toBe("gpt-4o-2024-08-06");
});

test("a key's scope of models and Routes holds, and its refusal lists what it may use", async () => {
  const scoped = await gateway.issue({ allowModels: ["gpt-4o*"], id: "default/scoped" });
  expect((await call(scoped, "gpt-4o")).status).toBe(200);
  const answer = await call(scoped, "gpt-4.1");
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({
    error: {
      type: "permission_error",
      code: "model_not_allowed",
      message: expect.stringMatching(/may use: gpt-4o\..*VirtualKey default\/scoped/),
    },
  });
  const routed = await gateway.issue({ allowRoutes: ["default/claude"] });
  expect(await codeOf(await call(routed, "chat"))).toBe("model_not_allowed");
  expect((await call(routed, "claude-sonnet-4-5", {}, "/v1/messages")).status).toBe(200);
});

test.for(["", "/v1", "/v1/v1", "/api/inference", "/api/inference/v1", "/api/inference/v1/v1"])(
  "under %j all operations of both protocols are served",
  async (base) => {
    for (const path of ["/chat/completions", "/completions", "/embeddings"])
      expect((await call(gateway.key, "chat", {}, base + path)).status).toBe(200);
    for (const path of ["/messages", "/messages/count_tokens?beta=true"])
      expect((await call(gateway.key, "claude-sonnet-4-5", {}, base + path)).status).toBe(200);
    expect((await fetch(`${gateway.url}${base}/models`, { headers: { "x-api-key": gateway.key } })).status).toBe(200);
  },
);

test("HEAD of the base URL is answered without a key and tells nothing", async () => {
  for (const path of ["/api/inference", "/api/inference/", "/"]) {
    const answer = await fetch(`${gateway.url}${path}`, { method: "HEAD" });
    expect(answer.status).toBe(204);
  }
});

test("models are listed in the caller's shape: routes' names, and for patterns what providers list", async () => {
  const names = ["chat", "claude-sonnet-4-5", "gpt-4.1", "gpt-4o"];
  const listed = (await (
    await fetch(`${gateway.url}/api/inference/models`, { headers: { authorization: `Bearer ${gateway.key}` } })
  ).json()) as { object: string; data: { id: string; object: string }[] };
  expect(listed.object).toBe("list");
  expect(listed.data.map((model) => model.id)).toEqual(names);
  const claude = { authorization: `Bearer ${gateway.key}`, "anthropic-version": "2023-06-01" };
  const page = (await (
    await fetch(`${gateway.url}/api/inference/v1/models?limit=2&after_id=chat`, { headers: claude })
  ).json()) as object;
  expect(page).toMatchObject({
    has_more: true,
    first_id: "claude-sonnet-4-5",
    last_id: "gpt-4.1",
    data: [{ type: "model", id: "claude-sonnet-4-5" }, { id: "gpt-4.1" }],
  });
  const one = await fetch(`${gateway.url}/v1/models/gpt-4o`, { headers: { authorization: `Bearer ${gateway.key}` } });
  expect(await one.json()).toMatchObject({ id: "gpt-4o", object: "model" });
  const none = await fetch(`${gateway.url}/v1/models/nothing`, { headers: claude });
  expect(none.status).toBe(404);
  expect(await none.json()).toMatchObject({ type: "error", error: { type: "not_found_error" } });
  expect((await fetch(`${gateway.url}/v1/models`)).status).toBe(401);
});

test("what goes up: the credential, the trace, betas as they came, and templates that could be filled", async () => {
  await call(gateway.key, "chat", {
    traceparent: "00-1-2-01",
    "openai-organization": "org-1",
    "x-stainless-os": "Linux",
    "anthropic-beta": "new-thing-2027-01-01,another",
    "x-secret": "s",
  });
  const { headers } = openai.requests.at(-1) as { headers: Record<string, string> };
  expect(headers).toMatchObject({
    authorization: "Bearer sk-openai",
    traceparent: "00-1-2-01",
    "anthropic-beta": "new-thing-2027-01-01,another",
    "x-team": "search",
    "x-who": "ada@default/dev",
    "x-fixed": "yes",
    "accept-encoding": "identity",
  });
  for (const name of ["openai-organization", "x-stainless-os", "x-secret", "x-api-key"])
    expect(headers).not.toHaveProperty(name);
  await call(await gateway.issue({ user: undefined, team: undefined }));
  const bare = (openai.requests.at(-1) as { headers: Record<string, string> }).headers;
  expect(bare).not.toHaveProperty("x-team");
  expect(bare).not.toHaveProperty("x-who");
});

test("the caller's key and the vendor's are nowhere in answers, logs or records", async () => {
  await call(gateway.key, "nothing");
  const events = JSON.stringify(await gateway.usage(20));
  for (const secret of [gateway.key, "sk-openai", "sk-ant"]) {
    expect(events).not.toContain(secret);
    expect(gateway.logged.join("\n")).not.toContain(secret);
  }
});
