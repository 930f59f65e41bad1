/** Configuration as it arrives, and the records as they leave: nothing that arrives broken harms, nothing that leaves is lost. */

import { randomBytes } from "node:crypto";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBus } from "@sluice/bus";
import type { UsageEvent } from "@sluice/contract";
import { createRawUpstream, endChunks, sendChunk, startEvents } from "@sluice/simulators/raw";
import { expect, test } from "vitest";
import { loadError } from "../src/index.ts";
import { UsageSpool } from "../src/spool/usage-spool.ts";
import { chunk, done, json, role, stop } from "./answers.ts";
import { startGateway, waitFor } from "./gateway.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function setup() {
  const upstream = await createRawUpstream((request) => json(request));
  const gateway = await startGateway({
    providers: [{ name: "up", url: upstream.url }],
    routes: [{ models: ["a"], targets: [{ provider: "up" }] }],
  });
  return {
    upstream,
    gateway,
    call: (model: string, headers: Record<string, string> = {}) =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        body: JSON.stringify({ model }),
        headers: { "x-api-key": gateway.key, ...headers },
      }),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("a new snapshot serves at once and is acknowledged; one that can't be loaded leaves the last in place and says why", async () => {
  await using at = await setup();
  expect((await at.call("b")).status).toBe(404);
  await at.gateway.publish([{ models: ["b"], targets: [{ provider: "up" }] }]);
  await waitFor(async () => (await at.call("b")).status === 200, "the new Route");
  expect((await at.call("a")).status).toBe(404);
  expect(await at.gateway.acknowledgement()).toMatchObject({ revision: 2, name: "test" });
  for (const broken of ['{"format":1', "{}", '{"format":1,"minReader":99,"gateways":[],"providers":[]}'])
    await at.gateway.publishRaw(broken);
  await waitFor(async () => (await at.gateway.acknowledgement()).rejected !== undefined, "the rejection");
  await waitFor(
    async () => ((await at.gateway.acknowledgement()).rejected as { revision: number }).revision === 5,
    "the last rejection",
  );
  expect(await at.gateway.acknowledgement()).toMatchObject({
    revision: 2,
    rejected: { reason: expect.stringContaining("format 99") },
  });
  expect((await at.call("b")).status).toBe(200);
});

test("the loader names what it can't load, and throws at nothing", () => {
  for (const snapshot of [{}, { format: 1, minReader: 1, gateways: [], providers: [{}] }, null]) {
    expect(loadError(snapshot as never)).toEqual(expect.any(String));
  }
  expect(
    loadError({ format: 1, minReader: 1, gateways: [], providers: [], prices: {}, limits: [], stops: [] }),
  ).toBeUndefined();
});

test("a Gateway with a host name is found by it, another by its base path", async () => {
  await using at = await setup();
  await at.gateway.publish([{ models: ["b"], targets: [{ provider: "up" }] }], {
    hostnames: ["ai.example.com"],
    basePath: "/llm",
    servesRoot: false,
  });
  await waitFor(async () => (await at.gateway.acknowledgement()).revision === 2, "the revision");
  const { port } = at.gateway;
  const { request } = await import("node:http");
  const status = (host: string, path: string) =>
    new Promise((resolve) => {
      const sent = request({ port, path, method: "POST", headers: { host, "x-api-key": at.gateway.key } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.end('{"model":"b"}');
    });
  expect(await status("AI.example.com:443", "/llm/v1/chat/completions")).toBe(200);
  expect(await status("other.example.com", "/llm/v1/chat/completions")).toBe(404);
  expect(await status("ai.example.com", "/v1/chat/completions")).toBe(404);
});

test("draining refuses new calls in their protocol and lets a stream end", async () => {
  let finish = () => {};
  const upstream = await createRawUpstream((request) => {
    startEvents(request);
    sendChunk(request, role + chunk({ content: "hi" }));
    finish = () => {
      sendChunk(request, stop + done);
      endChunks(request);
    };
  });
  const gateway = await startGateway({
    providers: [{ name: "up", url: upstream.url }],
    routes: [{ models: ["a"], targets: [{ provider: "up" }] }],
  });
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    body: '{"model":"a","stream":true}',
    headers: { "x-api-key": gateway.key },
  });
  const closed = gateway.close(5_000);
  finish();
  expect(await answer.text()).toContain("[DONE]");
  await closed;
  expect((await gateway.usage(1))[0]).toMatchObject({ outcome: "Served" });
  await upstream[Symbol.asyncDispose]();
});

test("a stream that outlasts the grace ends with an error event, and is recorded", async () => {
  const upstream = await createRawUpstream((request) => {
    startEvents(request);
    sendChunk(request, role + chunk({ content: "hi" }));
  });
  const gateway = await startGateway({
    providers: [{ name: "up", url: upstream.url }],
    routes: [{ models: ["a"], targets: [{ provider: "up" }] }],
  });
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    body: '{"model":"a","stream":true}',
    headers: { "x-api-key": gateway.key },
  });
  await gateway.close(50);
  expect(await answer.text()).toContain('"code":"draining"');
  expect((await gateway.usage(1))[0]).toMatchObject({ code: "draining" });
  await upstream[Symbol.asyncDispose]();
});

const event = {
  startedAtMs: 1,
  durationMs: 1,
  outcome: "Served",
  status: 200,
  protocol: "openai",
  operation: "chat.completions",
  stream: false,
  attempts: 1,
  requestBytes: 1,
  responseBytes: 1,
};
const members = (requestId: string) => JSON.stringify({ requestId, ...event }).slice(1, -1);

test("what a killed process left in its spool is sent by the next, a torn last line is left out, and files go when the ledger has them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-spool-"));
  const instance = randomBytes(16).toString("hex");
  const lines = [1, 2, 3].map((seq) => `{"instance":"${instance}","seq":${seq},${members(`r${seq}`)}}`);
  const file = join(folder, `${instance}-000000000000001.ndjson`);
  await writeFile(file, `${lines.join("\n")}\n`);
  await appendFile(file, '{"instance":"torn');
  const bus = createMemoryBus().connect();
  const received: UsageEvent[] = [];
  await bus.stream("usage").consume("ledger", async ({ value }) => {
    const batch = Buffer.from(value)
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as UsageEvent);
    received.push(...batch);
    await bus.bucket("ledger").put(batch[0]?.instance ?? "", Buffer.from(JSON.stringify({ seq: batch.at(-1)?.seq })));
  });
  const spool = new UsageSpool({ folder, instance: randomBytes(16).toString("hex"), bus, log: quiet });
  await spool.start();
  spool.record(members("r4"));
  await waitFor(() => received.length === 4, "the four events");
  expect(received.map((one) => one.requestId).sort()).toEqual(["r1", "r2", "r3", "r4"]);
  await spool.close(5_000);
  expect(await readdir(folder)).toEqual([]);
  await bus[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test("events that no ledger takes stay on disk, numbered without a gap, and thousands of them hold no memory", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-spool-"));
  const bus = createMemoryBus().connect();
  const spool = new UsageSpool({ folder, instance: randomBytes(16).toString("hex"), bus, log: quiet });
  await spool.start();
  for (let count = 1; count <= 20_000; count++) {
    spool.record(members(`r${count}`));
    if (count % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await spool.close(0);
  const seqs: number[] = [];
  for (const file of (await readdir(folder)).sort()) {
    for (const line of (await readFile(join(folder, file), "utf8")).trim().split("\n")) seqs.push(JSON.parse(line).seq);
  }
  expect(seqs).toEqual(Array.from({ length: 20_000 }, (_value, index) => index + 1));
  await bus[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
