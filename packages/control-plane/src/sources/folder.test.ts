/** The folder source on real files and a real store. */

import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { testClock, testLog } from "../../test/observed.ts";
import { openPgliteStore } from "../store/postgres.ts";
import type { Origin, Store } from "../store/store.ts";
import { type BuiltInResource, syncFolder } from "./folder.ts";
import { ResourceFiles } from "./resource-files.ts";

let store: Store;
let root: string;
let folder: string;
let files: ResourceFiles;
beforeAll(async () => {
  store = await openPgliteStore({}, { nowMs: testClock().nowMs, log: testLog() });
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-folder-"));
  folder = join(root, "resources");
  mkdirSync(folder);
  files = new ResourceFiles(folder);
});
afterEach(async () => {
  rmSync(root, { recursive: true });
  for (const resource of (await store.listResources()).resources) await store.deleteResource(resource, resource.origin);
});

const route = (name: string, model = "gpt-4o") => `apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: ${name}, namespace: ai }
spec:
  models: [${model}]
  targets: [{ name: main, providerRef: { name: openai } }]
`;
const provider = (type: string) => `apiVersion: sluice.dev/v1alpha1
kind: Provider
metadata: { name: openai, namespace: ai }
spec: { type: ${type}, baseUrl: "http://127.0.0.1:9/v1", credential: { type: None } }
`;
function write(file: string, ...documents: string[]): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), documents.join("---\n"));
}
/** The problems, as `file: message`. */
async function sync(builtIn: readonly BuiltInResource[] = []): Promise<string[]> {
  const problems = await syncFolder({ store, files, builtIn });
  return problems.map(({ file, line, message }) => `${file}${line === undefined ? "" : `:${line}`}: ${message}`);
}
/** What the store has, in words: `Route ai/chat gpt-4o (a.yaml)`. */
async function stored(): Promise<string[]> {
  const origin = (of: Origin) => (of.kind === "Folder" ? of.file : of.kind);
  return (await store.listResources()).resources.map(({ kind, namespace, name, spec, origin: from }) => {
    const { models, type } = spec as { models?: string[]; type?: string };
    return `${kind} ${namespace}/${name} ${models?.[0] ?? type} (${origin(from)})`;
  });
}

describe("files", () => {
  test("come into the record with their place, and changes and removals follow", async () => {
    write("a.yaml", route("one"), route("two"));
    write("team/b.yml", route("three"));
    write("notes.txt", "no resource");
    write(".hidden.yaml", route("hidden"));
    expect(await sync()).toEqual([]);
    expect(await stored()).toEqual([
      "Route ai/one gpt-4o (a.yaml)",
      "Route ai/three gpt-4o (team/b.yml)",
      "Route ai/two gpt-4o (a.yaml)",
    ]);

    write("a.yaml", route("one", "gpt-5"));
    rmSync(join(folder, "team"), { recursive: true });
    expect(await sync()).toEqual([]);
    expect(await stored()).toEqual(["Route ai/one gpt-5 (a.yaml)"]);
  });

  test("that are as they were write nothing", async () => {
    write("a.yaml", route("one"));
    await sync();
    const { resourceVersion } = await store.listResources();
    files = new ResourceFiles(folder);
    await sync();
    expect((await store.listResources()).resourceVersion).toBe(resourceVersion);
  });

  test("that move keep their resources as they are", async () => {
    write("a.yaml", route("one"));
    await sync();
    const before = await store.getResource({ kind: "Route", namespace: "ai", name: "one" });
    renameSync(join(folder, "a.yaml"), join(folder, "b.yaml"));
    expect(await sync()).toEqual([]);
    const after = await store.getResource({ kind: "Route", namespace: "ai", name: "one" });
    expect(after).toMatchObject({ uid: before?.uid, generation: 1, origin: { file: "b.yaml" } });
  });
});

describe("what is not sure is left alone", () => {
  test.each([
    ["half written", `${route("one", "gpt-5")}---\n${route("two").slice(0, 60)}`],
    ["no YAML", "a: [1"],
    ["empty of sense", "kind: Route"],
    ["not UTF-8", Buffer.from([0xff, 0xfe, 0x80])],
  ])("a file that is %s keeps the resources last read from it", async (_, content) => {
    write("a.yaml", route("one"), route("two"));
    write("b.yaml", route("three"));
    await sync();
    writeFileSync(join(folder, "a.yaml"), content);
    write("b.yaml", route("three", "gpt-5"));
    expect((await sync()).join("\n")).toMatch(/^a\.yaml:\d+: /);
    const names = (await stored()).map((line) => line.split(" ")[1]);
    expect(names).toEqual(["ai/one", "ai/three", "ai/two"]);
    expect(await stored(), "the others go on").toContain("Route ai/three gpt-5 (b.yaml)");

    write("a.yaml", route("two"));
    expect(await sync()).toEqual([]);
    expect((await stored()).map((line) => line.split(" ")[1])).toEqual(["ai/three", "ai/two"]);
  });

  test("also when the broken file is first seen after a restart", async () => {
    write("a.yaml", route("one"));
    await sync();
    write("a.yaml", "a: [1");
    files = new ResourceFiles(folder);
    await sync();
    expect(await stored()).toEqual(["Route ai/one gpt-4o (a.yaml)"]);
  });

  test("nothing is removed while the folder itself is missing", async () => {
    write("a.yaml", route("one"));
    await sync();
    renameSync(folder, join(root, "away"));
    expect(await sync()).toEqual([`${folder}: can't be read (ENOENT): what came from it stays as it is`]);
    expect(await stored()).toEqual(["Route ai/one gpt-4o (a.yaml)"]);
    renameSync(join(root, "away"), folder);
    expect(await sync()).toEqual([]);
  });
});

describe("each resource has one owner", () => {
  test("two files with the same resource are told, and the one that has it keeps it", async () => {
    write("b.yaml", route("one", "gpt-b"));
    await sync();
    write("a.yaml", route("one", "gpt-a"));
    expect(await sync()).toEqual([
      "b.yaml: Route ai/one is in a.yaml and in b.yaml: that of b.yaml counts, remove the other",
    ]);
    expect(await stored()).toEqual(["Route ai/one gpt-b (b.yaml)"]);
    rmSync(join(folder, "b.yaml"));
    expect(await sync()).toEqual([]);
    expect(await stored()).toEqual(["Route ai/one gpt-a (a.yaml)"]);
  });

  test("what the admin API made stays, and the file is told who owns it", async () => {
    await store.createResource({
      ...{ kind: "Route", namespace: "ai", name: "one", labels: {}, annotations: {}, spec: { models: ["gpt-api"] } },
      origin: { kind: "API" },
    });
    write("a.yaml", route("one"));
    expect(await sync()).toEqual([
      "a.yaml: Route ai/one was made by the admin API, which owns it: delete it there (sluice delete Route one -n ai), or rename this one",
    ]);
    rmSync(join(folder, "a.yaml"));
    await sync();
    expect(await stored()).toEqual(["Route ai/one gpt-api (API)"]);
  });

  test("a field that can't change is told, and the rest goes on", async () => {
    write("a.yaml", provider("OpenAI"));
    await sync();
    write("a.yaml", provider("Anthropic"), route("one"));
    expect((await sync()).join()).toMatch(/^a\.yaml: Provider ai\/openai: /);
    expect(await stored()).toEqual(["Provider ai/openai OpenAI (a.yaml)", "Route ai/one gpt-4o (a.yaml)"]);
  });
});

describe("built-in resources", () => {
  const openai = (type: string): BuiltInResource => ({
    kind: "Provider",
    namespace: "ai",
    name: "openai",
    spec: { type },
  });

  test("are there, change, and go with their source", async () => {
    await sync([openai("OpenAI")]);
    expect(await stored()).toEqual(["Provider ai/openai OpenAI (BuiltIn)"]);
    await sync([openai("Anthropic")]);
    expect(await stored()).toEqual(["Provider ai/openai Anthropic (BuiltIn)"]);
    await sync([]);
    expect(await stored()).toEqual([]);
  });

  test("give way to a file, and come back when it goes", async () => {
    await sync([openai("OpenAI")]);
    write("a.yaml", provider("Anthropic"));
    expect(await sync([openai("OpenAI")])).toEqual([]);
    expect(await stored()).toEqual(["Provider ai/openai Anthropic (a.yaml)"]);
    rmSync(join(folder, "a.yaml"));
    await sync([openai("OpenAI")]);
    expect(await stored()).toEqual(["Provider ai/openai OpenAI (BuiltIn)"]);
  });

  test("give way to the admin API", async () => {
    const spec = { type: "Anthropic" };
    await store.createResource({ ...openai(""), labels: {}, annotations: {}, spec, origin: { kind: "API" } });
    expect(await sync([openai("OpenAI")])).toEqual([]);
    expect(await stored()).toEqual(["Provider ai/openai Anthropic (API)"]);
  });
});
