/** The verbs against a running gateway, as a person or a script types them. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Announcement,
  type Ended,
  type SluiceProcess,
  sluice,
  startUp,
  temporaryFolder,
} from "./sluice-process.ts";

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

function run(...words: string[]): Promise<Ended> {
  return sluice(words, { cwd: folder.path });
}

/** A namespace of its own for each test, so that none sees another's resources. */
let namespaces = 0;
function freshNamespace(): string {
  return `test-${++namespaces}`;
}

function file(name: string, text: string): string {
  writeFileSync(join(folder.path, name), text);
  return name;
}

function provider(name: string, baseUrl: string, labels = "{}"): string {
  return `apiVersion: sluice.dev/v1alpha1
kind: Provider
metadata: { name: ${name}, labels: ${labels} }
spec: { type: OpenAICompatible, baseUrl: "${baseUrl}", credential: { type: None } }
`;
}

test("get shows a table, which a namespace without resources leaves empty", async () => {
  const { code, stdout, stderr } = await run("get", "routes");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.split("\n")[0]).toMatch(/^NAME +READY +MODELS +AGE$/);
  expect(stdout).toMatch(/^everything-else +\S+ +\* /m);

  const empty = await run("get", "routes", "-n", freshNamespace());
  expect(empty).toEqual({ code: 0, stdout: "", stderr: `No resources found in test-${namespaces} namespace.\n` });
});

test.for([
  ["a short name", ["get", "srt", "-o", "name"]],
  ["a full name", ["get", "routes.sluice.dev", "-o", "name"]],
  ["a kind in capitals", ["get", "Route", "-o", "name"]],
  ["names after a kind", ["get", "route", "anthropic", "everything-else", "openai", "-o", "name"]],
  ["kinds with names", ["get", "route/anthropic", "srt/everything-else", "routes/openai", "-o", "name"]],
] as const)("get understands %s", async ([, words]) => {
  const names = ["anthropic", "everything-else", "openai"].map((name) => `route.sluice.dev/${name}\n`);
  expect(await run(...words)).toEqual({ code: 0, stdout: names.join(""), stderr: "" });
});

test("several kinds are tables of their own, with names that say the kind", async () => {
  const { stdout } = await run("get", "all", "-A");
  expect(stdout).toMatch(/^NAMESPACE +NAME +READY/);
  for (const name of ["gateway.sluice.dev/main", "route.sluice.dev/openai", "virtualkey.sluice.dev/first"])
    expect(stdout).toMatch(new RegExp(`^default +${name} `, "m"));
});

test("a resource as YAML or JSON can be applied again, and is unchanged", async () => {
  const namespace = freshNamespace();
  await run("apply", "-n", namespace, "-f", file("again.yaml", provider("again", "http://127.0.0.1:1/v1")));
  for (const form of ["yaml", "json"]) {
    const { stdout } = await run("get", "provider", "again", "-n", namespace, "-o", form);
    const applied = await sluice(["apply", "-f", "-"], { cwd: folder.path, input: stdout });
    expect(applied).toEqual({ code: 0, stdout: "provider.sluice.dev/again unchanged\n", stderr: "" });
  }
});

test("apply creates, leaves, configures; diff tells before; delete takes away", async () => {
  const namespace = freshNamespace();
  const path = file("one.yaml", provider("one", "http://127.0.0.1:1/v1"));
  const made = await run("diff", "-n", namespace, "-f", path);
  expect(made.code).toBe(1);
  expect(made.stdout).toContain("+kind: Provider");
  expect(await run("apply", "-n", namespace, "-f", path)).toMatchObject({
    stdout: "provider.sluice.dev/one created\n",
  });
  expect(await run("apply", "-n", namespace, "-f", path)).toMatchObject({
    stdout: "provider.sluice.dev/one unchanged\n",
  });
  expect(await run("diff", "-n", namespace, "-f", path)).toEqual({ code: 0, stdout: "", stderr: "" });

  file("one.yaml", provider("one", "http://127.0.0.1:2/v1", "{ team: search }"));
  const { code, stdout } = await run("diff", "-n", namespace, "-f", path);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^--- live\/providers\.test-\d+\.one\n\+\+\+ file\/providers\.test-\d+\.one\n@@ /);
  expect(stdout).toMatch(/^-.*127\.0\.0\.1:1\/v1\n\+.*127\.0\.0\.1:2\/v1$/m);
  expect(stdout).toMatch(/^\+ +team: search$/m);
  expect(await run("apply", "-n", namespace, "-f", path)).toMatchObject({
    stdout: "provider.sluice.dev/one configured\n",
  });

  const gone = `provider.sluice.dev "one" deleted from ${namespace} namespace\n`;
  expect(await run("delete", "-n", namespace, "-f", path)).toEqual({ code: 0, stdout: gone, stderr: "" });
  const again = await run("delete", "provider", "one", "-n", namespace);
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toContain('Error from server (NotFound): providers.sluice.dev "one" not found');
  expect(await run("delete", "provider", "one", "-n", namespace, "--ignore-not-found")).toMatchObject({ code: 0 });
});

test("a folder is applied by its files, and one that the server refuses does not stop the others", async () => {
  const namespace = freshNamespace();
  mkdirSync(join(folder.path, "set"));
  // The folder of `up` owns this one.
  const gateway = "apiVersion: sluice.dev/v1alpha1\nkind: Gateway\nmetadata: { name: main }\n";
  file("set/a.yaml", `${gateway}spec: { basePath: /elsewhere }\n`);
  file("set/b.yml", provider("b", "http://127.0.0.1:1/v1").replace("name: b", `name: b, namespace: ${namespace}`));
  file("set/notes.txt", "not YAML: [");
  const { code, stdout, stderr } = await run("apply", "-f", "set");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "provider.sluice.dev/b created\n" });
  expect(stderr).toMatch(/^gateway\.sluice\.dev\/main: Error from server \(Conflict\): .*gateway\.yaml/m);
});

test("describe shows what is asked for and its conditions", async () => {
  const { stdout } = await run("describe", "route/openai");
  expect(stdout).toMatch(/^Name: +openai$/m);
  expect(stdout).toMatch(/^ +- gpt-4o-mini$/m);
  expect(stdout).toMatch(/^ +ResolvedRefs +True /m);
});

test("a key that is made serves at once, and is refused as soon as revoke returns", async () => {
  const made = await run("keys", "create", "app", "--team", "search", "--model", "gpt-4o-mini", "--expires", "30d");
  expect(made.stdout).toMatch(/^sk-sluice-[0-9A-Za-z]{49}\n$/);
  const key = made.stdout.trim();
  expect(await statusOf(key, "gpt-4o-mini")).toBe(200);
  expect(await statusOf(key, "claude-sonnet-4-5")).not.toBe(200);

  const list = await run("keys", "list", "-n", "default", "-o", "wide");
  expect(list.stdout).toMatch(new RegExp(`^app +\\S+ +${key.slice(0, 16)}… +search `, "m"));
  expect(list.stdout).not.toContain(key);

  const taken = await run("keys", "create", "app");
  expect(taken).toMatchObject({ code: 1, stdout: "" });
  expect(taken.stderr).toContain("AlreadyExists");

  expect(await run("keys", "revoke", "app")).toEqual({ code: 0, stdout: "revoked on 1/1 data planes\n", stderr: "" });
  expect(await statusOf(key, "gpt-4o-mini")).toBe(401);
  expect((await run("keys", "revoke", "nobody")).code).toBe(1);
});

test("status says what runs, and exits 1 while something needs a look", async () => {
  const fine = await run("status");
  expect(fine).toMatchObject({ code: 0, stderr: "" });
  expect(fine.stdout).toContain("Nothing needs a look.");
  expect(JSON.parse((await run("status", "-o", "json")).stdout).dataPlanes).toHaveLength(1);

  writeFileSync(join(folder.path, ".sluice/resources/broken.yaml"), "kind: [\n");
  await expect.poll(async () => (await run("status")).code, { timeout: 20_000 }).toBe(1);
  expect((await run("status")).stdout).toContain("broken.yaml:");
});

test("a saved file is applied by itself", async () => {
  const path = join(folder.path, ".sluice/resources/routes.yaml");
  writeFileSync(path, readFileSync(path, "utf8").replace("name: everything-else", "name: the-rest"));
  await expect
    .poll(async () => (await run("get", "routes", "-o", "name")).stdout, { timeout: 20_000 })
    .toContain("the-rest");
});

test("a token that is wrong, or left out, is named with where the right one lies", async () => {
  const wrong = await run("get", "routes", "--token", "wrong");
  expect(wrong).toMatchObject({ code: 1, stdout: "" });
  expect(wrong.stderr).toContain(".sluice/admin.token");

  const outside = temporaryFolder();
  const elsewhere = await sluice(["get", "routes", "--server", up.announced.admin], { cwd: outside.path });
  outside.remove();
  expect(elsewhere.stderr).toContain("wants a token");
});

test("a verb finds the gateway from a folder further down", async () => {
  mkdirSync(join(folder.path, "deep/down"), { recursive: true });
  expect(await sluice(["get", "gateways", "-o", "name"], { cwd: join(folder.path, "deep/down") })).toMatchObject({
    code: 0,
    stdout: "gateway.sluice.dev/main\n",
  });
});

async function statusOf(key: string, model: string): Promise<number> {
  const response = await fetch(`${up.announced.baseUrl}v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.arrayBuffer();
  return response.status;
}
