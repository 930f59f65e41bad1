/** The whole control plane on a folder, a real store and a memory bus; a data plane is played by its side of the bus. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createMemoryBus, type MemoryHub } from "@sluice/bus";
import { type Acknowledgement, digestOf, type KeyEntry, type Snapshot, sealingKey, unseal } from "@sluice/contract";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { testLog } from "../test/observed.ts";
import { type ControlPlane, type ControlPlanePorts, createControlPlane } from "./create.ts";
import { openPgliteStore } from "./store/postgres.ts";
import type { ResourceRef, Store } from "./store/store.ts";

const soon = { timeout: 20_000, interval: 10 };
const key = sealingKey(new Uint8Array(32).fill(1));
const log = testLog();
let root: string;
let store: Store;
let hub: MemoryHub;
let plane: ControlPlane | undefined;
let nonces = 0;
beforeAll(async () => {
  store = await openPgliteStore({}, { nowMs: () => Date.now(), log });
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-control-"));
  mkdirSync(join(root, "resources"));
  hub = createMemoryBus();
  log.lines.length = 0;
});
afterEach(async () => {
  await plane?.[Symbol.asyncDispose]();
  plane = undefined;
  rmSync(root, { recursive: true });
  for (const resource of (await store.listResources()).resources) await store.deleteResource(resource, resource.origin);
});

async function start(ports: Partial<ControlPlanePorts> = {}): Promise<ControlPlane> {
  plane = await createControlPlane({
    ...{ store, log, sealingKey: key, loadError: () => undefined },
    ...{ bus: hub.connect(), clock: { wallMs: () => Date.now() } },
    random: { bytes: (count) => Buffer.alloc(count, `${nonces++}`) },
    ...{ resourcesFolder: join(root, "resources"), secretsFolder: join(root, "secrets") },
    ...ports,
  });
  await plane.ready;
  return plane;
}

function write(file: string, content: string, mode = 0o600): void {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}
const head = (kind: string, name: string) =>
  `apiVersion: sluice.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
const gateway = `${head("Gateway", "main")}spec: {}\n`;
const provider = (name: string, credential: string) =>
  `${head("Provider", name)}spec: { type: OpenAICompatible, baseUrl: "http://203.0.113.1/v1", credential: ${credential} }\n`;
const secretCredential = "{ type: APIKey, apiKey: { secretRef: { name: vendor, key: api-key } } }";
const route = (name: string, to: string) =>
  `${head("Route", name)}spec: { models: [${name}], targets: [{ name: main, providerRef: { name: ${to} } }] }\n`;
const virtualKey = (name: string, hash: string) =>
  `${head("VirtualKey", name)}spec: { hash: ${hash}, subject: { team: a } }\n`;
const hashOf = (digit: string) => digit.repeat(64);
const sample = [gateway, provider("vendor", "{ type: None }"), route("chat", "vendor"), virtualKey("app", hashOf("a"))];

async function read<Value>(bucket: "snapshots" | "keys" | "credentials", name: string): Promise<Value | undefined> {
  const entry = await hub.connect().bucket(bucket).get(name);
  return entry === undefined ? undefined : JSON.parse(Buffer.from(entry.value).toString());
}
async function snapshot(): Promise<Snapshot & { revision: number }> {
  const pointer = await read<{ revision: number; digest: string; key: string }>("snapshots", "current");
  if (pointer === undefined) throw new Error("no pointer");
  const body = await hub.connect().bucket("snapshots").get(pointer.key);
  const text = Buffer.from(body?.value ?? []).toString();
  expect(digestOf(text)).toBe(pointer.digest);
  return { ...JSON.parse(text), revision: pointer.revision };
}
const routesOf = ({ gateways }: Snapshot) => gateways.flatMap(({ routes }) => routes.map(({ id }) => id));

/** A data plane: applies whatever comes, and says so. */
async function dataPlane(instance: string, answer: Partial<Acknowledgement> = {}): Promise<void> {
  const bus = hub.connect();
  const state = { instance, name: instance, startedAtMs: 0, revision: 0, keysRevision: 0 };
  const acknowledge = () => bus.bucket("instances").put(instance, Buffer.from(JSON.stringify({ ...state, ...answer })));
  await bus.bucket("snapshots").watch((event) => {
    if (event.kind !== "put" || event.entry.key !== "current") return;
    state.revision = JSON.parse(Buffer.from(event.entry.value).toString()).revision;
    void acknowledge();
  });
  await bus.bucket("keys").watch((event) => {
    state.keysRevision = event.kind === "put" ? event.entry.revision : event.revision;
    void acknowledge();
  });
}
async function conditions(ref: Partial<ResourceRef> & { name: string }): Promise<Record<string, string>> {
  const found = await store.getResource({ kind: "Route", namespace: "default", ...ref });
  return Object.fromEntries(
    (found?.status.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  );
}

describe("from files to data planes", () => {
  test("a folder becomes snapshot, keys and conditions, and a saved file the next revision", async () => {
    write("resources/all.yaml", sample.join("---\n"));
    await start();
    const first = await snapshot();
    expect(routesOf(first)).toEqual(["default/chat"]);
    expect(await read<KeyEntry>("keys", hashOf("a"))).toMatchObject({ id: "default/app", state: "Active", team: "a" });
    await vi.waitFor(
      async () => expect(await conditions({ name: "chat" })).toMatchObject({ Programmed: "Unknown NoDataPlane" }),
      soon,
    );

    await dataPlane("gw-1");
    const ready = {
      Accepted: "True Accepted",
      ResolvedRefs: "True ResolvedRefs",
      Programmed: "True Programmed",
      Ready: "True Ready",
    };
    await vi.waitFor(async () => {
      for (const [kind, name] of [
        ["Route", "chat"],
        ["Gateway", "main"],
        ["Provider", "vendor"],
        ["VirtualKey", "app"],
      ] as const)
        expect(await conditions({ kind, name })).toMatchObject(ready);
      // The server's models have no price, and no Budget covers the key: told, and no reason not to be ready.
      expect(await conditions({ kind: "Provider", name: "vendor" })).toMatchObject({ Priced: "False PriceUnknown" });
      expect(await conditions({ kind: "VirtualKey", name: "app" })).toMatchObject({ Budgeted: "False Unbudgeted" });
    }, soon);
    const status = (await store.getResource({ kind: "Gateway", namespace: "default", name: "main" }))?.status;
    expect(status).toMatchObject({
      revision: first.revision,
      dataPlanes: { desired: 1, current: 1, rejected: 0, summary: "1/1" },
    });

    write("resources/more.yaml", route("other", "vendor"));
    await vi.waitFor(async () => expect(routesOf(await snapshot())).toEqual(["default/chat", "default/other"]), soon);
    expect((await snapshot()).revision).toBe(first.revision + 1);
  });

  test("what comes to rest stays at rest: no revision, no status and no bus write without a change", async () => {
    write("resources/all.yaml", sample.join("---\n"));
    await start();
    await dataPlane("gw-1");
    await vi.waitFor(
      async () => expect(await conditions({ name: "chat" })).toMatchObject({ Ready: "True Ready" }),
      soon,
    );
    await new Promise((wake) => setTimeout(wake, 300));
    const { resourceVersion } = await store.listResources();
    const puts: string[] = [];
    for (const name of ["snapshots", "keys", "credentials"] as const)
      await hub
        .connect()
        .bucket(name)
        .watch((event) => event.kind === "put" && puts.push(`${name}/${event.entry.key}`));
    await vi.waitFor(() => expect(puts).toContain("snapshots/current"), soon);
    puts.length = 0;

    // An acknowledgement that says nothing new, a file that was touched, and time.
    const instances = hub.connect().bucket("instances");
    await instances.put("gw-1", (await instances.get("gw-1"))?.value ?? new Uint8Array());
    write("resources/all.yaml", sample.join("---\n"));
    await new Promise((wake) => setTimeout(wake, 500));
    expect((await store.listResources()).resourceVersion).toBe(resourceVersion);
    expect(puts).toEqual([]);
  });

  test("a resource that is broken costs only itself, and says what it lacks", async () => {
    write("resources/all.yaml", [...sample, route("lost", "nobody")].join("---\n"));
    await start();
    expect(routesOf(await snapshot())).toEqual(["default/chat"]);
    await vi.waitFor(async () => expect((await conditions({ name: "lost" })).Ready).toMatch(/^False /), soon);
  });

  test("a resource of the record that today's schema refuses costs only itself", async () => {
    const old = {
      kind: "Route",
      namespace: "default",
      name: "old",
      labels: {},
      annotations: {},
      origin: { kind: "API" },
    } as const;
    await store.createResource({ ...old, spec: { models: ["x"], gone: true } });
    write("resources/all.yaml", sample.join("---\n"));
    await start();
    expect(routesOf(await snapshot())).toEqual(["default/chat"]);
    await vi.waitFor(
      async () => expect(await conditions({ name: "old" })).toMatchObject({ Accepted: "False Invalid" }),
      soon,
    );
  });

  test("a file with a problem is told once, by place", async () => {
    write("resources/all.yaml", sample.join("---\n"));
    write("resources/bad.yaml", `${head("Route", "bad")}spec: { models: 3 }\n`);
    const { sourceProblems } = await start();
    write("resources/more.yaml", route("other", "vendor"));
    await vi.waitFor(async () => expect(routesOf(await snapshot())).toHaveLength(2), soon);
    expect(sourceProblems()).toContainEqual(
      expect.objectContaining({ file: "bad.yaml", line: 4, path: "spec.models" }),
    );
    const told = log.lines.filter((line) => line.message === "a resource file has a problem");
    expect(told.filter(({ fields }) => String(fields?.problem).includes("spec.models"))).toHaveLength(1);
  });

  test("a snapshot that the data planes would refuse is not published, and the last one stays", async () => {
    write("resources/all.yaml", sample.join("---\n"));
    await start({ loadError: (next) => (routesOf(next).includes("default/poison") ? "poison" : undefined) });
    const { revision } = await snapshot();
    write("resources/poison.yaml", route("poison", "vendor"));
    await vi.waitFor(
      async () => expect(await conditions({ name: "poison" })).toMatchObject({ Programmed: "False SnapshotRefused" }),
      soon,
    );
    expect((await snapshot()).revision).toBe(revision);
    rmSync(join(root, "resources/poison.yaml"));
    write("resources/more.yaml", route("other", "vendor"));
    await vi.waitFor(async () => expect((await snapshot()).revision).toBe(revision + 1), soon);
  });

  test("the same resources after a restart are the same revision, on a bus that forgot everything", async () => {
    write("resources/all.yaml", sample.join("---\n"));
    await start();
    const before = await snapshot();
    await plane?.[Symbol.asyncDispose]();
    hub = createMemoryBus();
    await start();
    expect(await snapshot()).toEqual(before);
  });
});

describe("credentials", () => {
  const id = "default/vendor/api-key";
  const opened = async () => {
    const entry = await read<{ sealed: string }>("credentials", id);
    if (entry === undefined) return undefined;
    return Buffer.from(unseal({ keys: [key], context: id, sealed: Buffer.from(entry.sealed, "base64") })).toString();
  };
  const resources = [gateway, provider("vendor", secretCredential), route("chat", "vendor")].join("---\n");

  test("come from the folder of secrets when they appear, change with it, and go", async () => {
    write("resources/all.yaml", resources);
    await start();
    const missing = async () => (await conditions({ kind: "Provider", name: "vendor" })).ResolvedRefs;
    await vi.waitFor(async () => expect(await missing()).toBe("False SecretNotFound"), soon);
    expect(routesOf(await snapshot()), "no Route without a Provider").toEqual([]);

    write("secrets/default/vendor/api-key", "sk-1\n");
    await vi.waitFor(async () => expect(await opened()).toBe("sk-1"), soon);
    await vi.waitFor(async () => expect(await missing()).toBe("True ResolvedRefs"), soon);
    expect(routesOf(await snapshot())).toEqual(["default/chat"]);

    const { revision } = await snapshot();
    write("secrets/default/vendor/api-key", "sk-2\n");
    await vi.waitFor(async () => expect(await opened()).toBe("sk-2"), soon);
    expect((await snapshot()).revision, "a rotated secret is no new snapshot").toBe(revision);

    rmSync(join(root, "secrets"), { recursive: true });
    await vi.waitFor(async () => expect(await opened()).toBeUndefined(), soon);
  });

  test("that the composition holds need no file, and are in no record and no log", async () => {
    write("resources/all.yaml", resources);
    await start({ memorySecrets: new Map([[id, "sk-held-by-the-composition"]]) });
    expect(await opened()).toBe("sk-held-by-the-composition");
    const kept = JSON.stringify(
      [await store.listResources(), await store.changesSince(0n, {}), await store.latestRevision(), log.lines],
      (_, value) => (typeof value === "bigint" ? String(value) : value),
    );
    expect(kept).toContain(id);
    expect(kept).not.toContain("sk-held-by-the-composition");
  });
});

describe("revocation", () => {
  test("is on the bus at once, waits for the data planes, and outlives the manifest's return", async () => {
    write("resources/all.yaml", sample.join("---\n"));
    const { revoke } = await start();
    await dataPlane("gw-1");
    await dataPlane("gw-2");
    await vi.waitFor(
      async () => expect(await conditions({ kind: "VirtualKey", name: "app" })).toMatchObject({ Ready: "True Ready" }),
      soon,
    );
    const app = { namespace: "default", name: "app" };
    expect(await revoke(app, "ana", "leaked")).toEqual({ kind: "revoked", acknowledged: 2, of: 2 });
    expect(await read<KeyEntry>("keys", hashOf("a"))).toMatchObject({ state: "Revoked", team: "a" });
    await vi.waitFor(
      async () =>
        expect(await conditions({ kind: "VirtualKey", name: "app" })).toMatchObject({ Ready: "False Revoked" }),
      soon,
    );

    rmSync(join(root, "resources/all.yaml"));
    await vi.waitFor(async () => expect((await store.listResources()).resources).toEqual([]), soon);
    write("resources/all.yaml", sample.join("---\n"));
    await vi.waitFor(async () => expect((await store.listResources()).resources).toHaveLength(4), soon);
    await plane?.[Symbol.asyncDispose]();
    await start();
    expect(await read<KeyEntry>("keys", hashOf("a"))).toMatchObject({ state: "Revoked" });
  });

  test("of a key that is not there says so", async () => {
    const { revoke } = await start();
    expect(await revoke({ namespace: "default", name: "none" }, "ana", "")).toEqual({ kind: "missing" });
  });
});

test("built-in resources work with what a composition gives: without defaults, and giving way to a file", async () => {
  write("resources/all.yaml", [gateway, route("chat", "openai")].join("---\n"));
  const spec = { type: "OpenAI", baseUrl: "http://203.0.113.1:4143", credential: { type: "None" } };
  await start({ builtIn: [{ kind: "Provider", namespace: "default", name: "openai", spec }] });
  const providers = async () => (await snapshot()).providers.map(({ origin, basePath }) => `${origin}${basePath}`);
  expect(await providers()).toEqual(["http://203.0.113.1:4143/v1"]);
  write("resources/openai.yaml", provider("openai", "{ type: None }"));
  await vi.waitFor(async () => expect(await providers()).toEqual(["http://203.0.113.1/v1"]), soon);
});
