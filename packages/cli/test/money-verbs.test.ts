/** The verbs about money against a running gateway: what is typed, and what a person reads. */

import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Announcement, type Ended, SluiceProcess, sluice, startUp, temporaryFolder } from "./sluice-process.ts";

let folder: { path: string; remove(): void };
let up: { running: SluiceProcess; announced: Announcement };

beforeAll(async () => {
  folder = temporaryFolder();
  up = await startUp(folder.path);
});
afterAll(async () => {
  await up.running.stop("SIGTERM");
  folder.remove();
});

const run = (...words: string[]): Promise<Ended> => sluice(words, { cwd: folder.path });

async function call(model = "gpt-4o-mini"): Promise<number> {
  const response = await fetch(`${up.announced.baseUrl}v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${up.announced.key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 100, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Keeps which thresholds it was told of. */
async function startReceiver() {
  const percents: number[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    percents.push(JSON.parse(body).atPercent);
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const close = () => new Promise<void>((closed) => server.close(() => closed()));
  return { url, percents, [Symbol.asyncDispose]: close };
}

test("spend and usage tell a call, and both forms of spend agree", async () => {
  expect(await call()).toBe(200);
  await expect
    .poll(async () => (await run("usage", "tail", "-o", "json")).stdout, { timeout: 20_000 })
    .toContain("req_");
  const record = JSON.parse((await run("usage", "tail", "--lines", "1", "-o", "json")).stdout);
  expect(record).toMatchObject({ key: "default/first", model: "gpt-4o-mini", outcome: "Served" });
  expect((await run("usage", "tail", "--key", "first")).stdout).toMatch(
    /^TIME +SERVICE +KEY[^\n]*\n\S+ +\S+ +default\/first +gpt-4o-mini +Served/,
  );
  expect((await run("usage", "tail", "--key", "nobody")).stdout).toBe("");

  const report = JSON.parse((await run("spend", "--by", "model", "--since", "today", "-o", "json")).stdout);
  expect(report.total).toMatchObject({ calls: "1", costUsd: record.costUsd });
  const csv = await run("spend", "--by", "MODEL,metadata/env", "--since", "1h", "-o", "csv");
  expect(csv.stdout.split("\n")[0]).toMatch(/^model,metadata_env,calls,/);
  expect(csv.stdout).toContain(`\ngpt-4o-mini,(none),1,`);
  const table = await run("spend", "--since", "this month", "--timezone", "Europe/Berlin");
  expect(table.stdout).toMatch(/^SERVICE +CALLS +TOKENS +COST USD +HELD USD +SHARE +BEFORE USD +CHANGE$/m);
  expect(table.stdout).toMatch(/^TOTAL +1 /m);
});

test("usage tail goes on with the calls that come, and tells each once", async () => {
  await using tail = new SluiceProcess(["usage", "tail", "-f", "--lines", "1", "-o", "json"], { cwd: folder.path });
  await tail.said("\n");
  const told = () => tail.stdout.trim().split("\n").length;
  expect(await call()).toBe(200);
  await expect.poll(told, { timeout: 20_000 }).toBe(2);
  expect(await call()).toBe(200);
  await expect.poll(told, { timeout: 20_000 }).toBe(3);
  const ids = tail.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).id);
  expect(new Set(ids).size).toBe(3);
});

test("a stop holds on every data plane until it is undone", async () => {
  const made = await run("stop", "--key", "first", "--until", "1h", "--reason", "runaway job");
  expect(made).toMatchObject({ code: 0, stderr: "" });
  expect(made.stdout).toMatch(
    /^Key default\/first is stopped on 1\/1 data planes, until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/,
  );
  expect(await call()).not.toBe(200);
  expect((await run("override", "list")).stdout).toMatch(
    /^act_\S+ +Key default\/first +stopped +\S+ +admin token +runaway job$/m,
  );
  expect(await run("stop", "--key", "first", "--undo")).toMatchObject({
    stdout: "Key default/first is let through again on 1/1 data planes\n",
  });
  expect(await call()).toBe(200);
  expect(await run("stop", "--key", "first", "--undo")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is not stopped"),
  });
});

test("a stop of a name that no key has says so", async () => {
  const made = await run("stop", "--service", "serch", "--reason", "runaway job");
  expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining("No VirtualKey is of Service serch") });
  expect(await run("stop", "--service", "serch", "--undo")).toMatchObject({ code: 0, stderr: "" });
});

test("an override is made for one account, listed, described and cleared", async () => {
  const manifest = `apiVersion: sluice.dev/v1alpha1
kind: Budget
metadata: { name: monthly }
spec: { per: [Service], limit: { usd: "5.00" }, window: { calendar: Month } }
`;
  writeFileSync(join(folder.path, "budget.yaml"), manifest);
  await run("apply", "-f", "budget.yaml");
  const words = ["budget", "override", "monthly", "--account", "service=batch"];
  const made = await run(...words, "--to", "8", "--until", "2h", "--reason", "launch day");
  expect(made).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Budget default\/monthly, Service=batch may spend 8.00 USD until /),
  });
  await expect
    .poll(async () => (await run("describe", "budget", "monthly")).stdout, { timeout: 20_000 })
    .toMatch(/reason: launch day[\s\S]*Overridden +True/);
  expect((await run("override", "list")).stdout).toContain("Budget default/monthly, Service=batch   8.00 USD");
  expect(await run("override", "clear", "--all")).toMatchObject({
    stdout: "Budget default/monthly, Service=batch: ended on 1/1 data planes\n",
  });
  expect(await run("override", "list")).toMatchObject({
    stdout: "",
    stderr: "Nothing is stopped or changed by hand.\n",
  });
});

test("thresholds are told in order before a budget is exhausted, and a raised one serves with the next call", async () => {
  await using receiver = await startReceiver();
  const secret = join(folder.path, ".sluice/secrets/default/hooks");
  mkdirSync(secret, { recursive: true, mode: 0o700 });
  writeFileSync(join(secret, "finops"), "whsec-test", { mode: 0o600 });
  const webhook = `{ url: "${receiver.url}", secretRef: { name: hooks, key: finops } }`;
  writeFileSync(
    join(folder.path, "tiny.yaml"),
    `apiVersion: sluice.dev/v1alpha1
kind: Budget
metadata: { name: tiny }
spec:
  per: [Key]
  limit: { usd: "0.01" }
  window: { calendar: Month }
  alerts: [{ atPercent: 20, webhook: ${webhook} }, { atPercent: 40, webhook: ${webhook} }]
`,
  );
  await run("apply", "-f", "tiny.yaml");
  await expect
    .poll(async () => (await run("get", "budget", "tiny")).stdout, { timeout: 20_000 })
    .toMatch(/^tiny +True /m);
  const statuses = [];
  for (let calls = 0; calls < 200 && statuses.at(-1) !== 429; calls++) statuses.push(await call("gpt-4o"));
  expect(statuses.at(-1)).toBe(429);
  await expect.poll(() => receiver.percents, { timeout: 20_000 }).toEqual([20, 40]);
  // Refused for good: nothing but an operator helps.
  expect(await call("gpt-4o")).toBe(429);

  const raised = await run("budget", "override", "tiny", "--to", "1", "--until", "1h", "--reason", "launch day");
  expect(raised).toMatchObject({ code: 0, stdout: expect.stringContaining("may spend 1.00 USD") });
  expect(await call("gpt-4o")).toBe(200);
  expect((await run("describe", "budget", "tiny")).stdout).toMatch(
    /ThresholdCrossed +\S+ +Key "default\/first" has spent /,
  );
  await run("delete", "budget", "tiny");
  await run("override", "clear", "--all");
});

test("corrections tell what they would do", async () => {
  const reprice = await run("usage", "reprice", "--since", "1h", "--dry-run");
  expect(reprice).toMatchObject({ code: 0, stderr: "" });
  expect(reprice.stdout).toMatch(
    /^0 of \d+ records would be corrected[\s\S]*\ncost \+0.00 USD, held \+0.00 USD, on 0 accounts of budgets\n$/,
  );
  expect(await run("usage", "settle", "--since", "1h", "--dry-run")).toMatchObject({ code: 0 });
});

test.for([
  [["spend", "--by", "teem"], '"teem" must be one of team, service'],
  [["spend", "--since", "someday"], 'can\'t read "someday": write 24h, 7d'],
  [["spend", "--timezone", "Europe/Atlantis"], 'there is no time zone "Europe/Atlantis"'],
  [["stop", "--service", "a"], "say why, for the record"],
  [["stop", "--reason", "x"], "name one of --service, --team"],
  [["stop", "--service", "a", "--team", "b", "--reason", "x"], "name one of --service, --team"],
  [["stop", "--service", "a", "--reason", "x", "--until", "2020-01-01"], '"2020-01-01" lies in the past'],
  [
    ["budget", "override", "absent", "--to", "1", "--until", "1h", "--reason", "x"],
    'budgets.sluice.dev "absent" not found',
  ],
  [["override", "clear"], "say which: `sluice override clear ID`"],
  [["override", "clear", "act_0"], "There is no act act_0 in force"],
  [["usage", "reprice", "--since", "1h"], "say why, for the record"],
  [["usage", "settle"], "say which: `sluice usage settle --request ID`"],
] as const)("sluice %j says what is wrong", async ([words, message]) => {
  const { code, stdout, stderr } = await run(...words);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain(message);
});
