/** One suite for the Store on both databases. */

import type { Snapshot, UsageEvent } from "@sluice/contract";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { testClock, testLog } from "../../test/observed.ts";
import { type PostgresServer, startPostgres } from "../../test/postgres-server.ts";
import { openPgliteStore, openPostgresStore } from "./postgres.ts";
import type { Origin, ResourceWrite, Store, StoredResource, WriteRefusal, Written } from "./store.ts";

describe.each(["PGlite", "PostgreSQL"] as const)("the store on %s", (kind) => {
  let server: PostgresServer | undefined;
  let store: Store;
  const clock = testClock();
  const log = testLog();
  beforeAll(async () => {
    if (kind === "PostgreSQL") server = await startPostgres();
    store = await open();
  });
  afterAll(async () => {
    await store[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });
  // One database for all: each test uses names of its own.
  let namespace = "";
  let tests = 0;
  beforeEach(() => {
    namespace = `test-${++tests}`;
    log.lines.length = 0;
  });

  async function open(): Promise<Store> {
    const ports = { nowMs: clock.nowMs, log };
    return server === undefined ? openPgliteStore({}, ports) : openPostgresStore(await server.createDatabase(), ports);
  }

  const route = (
    name: string,
    spec: unknown = { models: ["gpt-4o"] },
    origin: Origin = { kind: "API" },
  ): ResourceWrite => ({
    ...{ kind: "Route", namespace, name, labels: { app: "chat" }, annotations: {}, spec, origin },
  });

  describe("resources", () => {
    test("a created resource comes back with uid, generation, version and a pending status", async () => {
      const created = done(await store.createResource(route("chat", { z: 1, a: [true, null, "ü"] })));
      const found = await store.getResource(created);
      expect(found).toEqual(created);
      expect(found).toMatchObject({ generation: 1, createdAtMs: clock.nowMs(), labels: { app: "chat" } });
      expect(found?.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(typeof found?.resourceVersion).toBe("bigint");
      expect(found?.status.conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
        ["Accepted", "Unknown", "Pending"],
        ["ResolvedRefs", "Unknown", "Pending"],
        ["Programmed", "Unknown", "Pending"],
        ["Ready", "Unknown", "Pending"],
      ]);
      expect(JSON.stringify(found?.spec), "members keep their order").toBe('{"z":1,"a":[true,null,"ü"]}');
    });

    test("a second of the same name is refused with the first", async () => {
      const first = done(await store.createResource(route("chat")));
      expect(await store.createResource(route("chat", { models: ["other"] }))).toEqual({
        kind: "exists",
        current: first,
      });
    });

    test("a new spec is a new generation and version, new labels only a new version, an equal write nothing", async () => {
      const first = done(await store.createResource(route("chat")));
      const second = done(await store.updateResource(route("chat", { models: ["gpt-4o-mini"] })));
      expect(second).toMatchObject({ generation: 2, uid: first.uid, createdAtMs: first.createdAtMs });
      expect(second.resourceVersion).toBeGreaterThan(first.resourceVersion);

      const labelled = done(await store.updateResource({ ...route("chat", { models: ["gpt-4o-mini"] }), labels: {} }));
      expect(labelled).toMatchObject({ generation: 2, labels: {} });
      expect(labelled.resourceVersion).toBeGreaterThan(second.resourceVersion);

      const equal = await store.updateResource({ ...route("chat", { models: ["gpt-4o-mini"] }), labels: {} });
      expect(equal).toEqual({ kind: "written", resource: labelled, changed: false });
    });

    test("a write that expects another version is refused with the current resource", async () => {
      const first = done(await store.createResource(route("chat")));
      const second = done(await store.updateResource(route("chat", { models: [] }), first.resourceVersion));
      const stale = first.resourceVersion;
      expect(await store.updateResource(route("chat"), stale)).toEqual({ kind: "conflict", current: second });
      expect(await store.deleteResource(second, { kind: "API" }, stale)).toEqual({ kind: "conflict", current: second });
    });

    test("what is not there can't be updated or deleted", async () => {
      expect(await store.updateResource(route("none"))).toEqual({ kind: "missing" });
      expect(await store.deleteResource(route("none"), { kind: "API" })).toEqual({ kind: "missing" });
    });

    test("a deleted resource is gone, and its name free for another", async () => {
      const first = done(await store.createResource(route("chat")));
      done(await store.deleteResource(first, { kind: "API" }));
      expect(await store.getResource(first)).toBeUndefined();
      expect(done(await store.createResource(route("chat"))).uid).not.toBe(first.uid);
    });

    test("only its owner writes a resource, a file's move within the folder included", async () => {
      const folder = (file: string): Origin => ({ kind: "Folder", file });
      const made = done(await store.createResource(route("chat", {}, folder("a.yaml"))));
      const owned = { kind: "owned", owner: folder("a.yaml") };
      expect(await store.updateResource(route("chat"))).toEqual(owned);
      expect(await store.deleteResource(made, { kind: "API" })).toEqual(owned);
      expect(done(await store.updateResource(route("chat", {}, folder("b.yaml")))).origin).toEqual(folder("b.yaml"));
      done(await store.deleteResource(made, folder("b.yaml")));
    });

    test("a built-in resource gives way to whoever writes it, and takes nothing back", async () => {
      const builtIn: Origin = { kind: "BuiltIn" };
      done(await store.createResource(route("chat", {}, builtIn)));
      expect(await store.deleteResource(route("chat"), { kind: "API" })).toEqual({ kind: "owned", owner: builtIn });
      const taken = done(await store.updateResource(route("chat")));
      expect(taken.origin).toEqual({ kind: "API" });
      expect(await store.updateResource(route("chat", {}, builtIn))).toEqual({ kind: "owned", owner: { kind: "API" } });
    });

    test("lists come by kind, namespace and name, with the version they are at", async () => {
      const b = done(await store.createResource(route("b")));
      const a = done(await store.createResource(route("a")));
      const provider = done(await store.createResource({ ...route("z"), kind: "Provider" }));
      expect(await store.listResources({ namespace })).toEqual({
        resources: [provider, a, b],
        resourceVersion: provider.resourceVersion,
      });
      expect((await store.listResources({ kind: "Route", namespace })).resources).toEqual([a, b]);
    });

    test("a status is written when it differs, for the very resource that was looked at", async () => {
      const first = done(await store.createResource(route("chat")));
      const status = { observedGeneration: 1, conditions: [], models: 3 };
      await store.updateStatus(first, status);
      const second = await store.getResource(first);
      expect(second).toMatchObject({ status, generation: 1 });
      expect(second?.resourceVersion).toBeGreaterThan(first.resourceVersion);

      await store.updateStatus(first, status);
      await store.updateStatus({ ...first, uid: "another" }, { conditions: [] });
      expect(await store.getResource(first)).toEqual(second);
    });

    test("listeners hear of each change of their kind, and of nothing that changed nothing", async () => {
      const heard: string[] = [];
      const stop = store.onChange((change) => heard.push(change));
      const made = done(await store.createResource(route("chat")));
      await store.updateResource(route("chat"));
      await store.updateStatus(made, made.status);
      expect(heard).toEqual(["resource"]);
      await store.updateStatus(made, { conditions: [] });
      await store.deleteResource(made, { kind: "API" });
      expect(heard).toEqual(["resource", "status", "resource"]);
      stop();
      await store.createResource(route("chat"));
      expect(heard).toHaveLength(3);
    });
  });

  describe("the history", () => {
    test("answers every change after a version, in order, filtered", async () => {
      const { resourceVersion: start } = await store.listResources();
      const added = done(await store.createResource(route("chat")));
      const modified = done(await store.updateResource(route("chat", {})));
      done(await store.createResource({ ...route("other"), kind: "Provider" }));
      const deleted = done(await store.deleteResource(route("chat"), { kind: "API" }));
      expect(await store.changesSince(start, { kind: "Route", namespace })).toEqual([
        { type: "ADDED", resource: added },
        { type: "MODIFIED", resource: modified },
        { type: "DELETED", resource: deleted },
      ]);
      expect(deleted.resourceVersion, "a deletion has a version of its own").toBe(modified.resourceVersion + 2n);
      expect(await store.changesSince(deleted.resourceVersion, {})).toEqual([]);
    });

    test("says that a version is gone when it is older than the history, or not of this database", async () => {
      const { resourceVersion } = await store.listResources();
      expect(await store.changesSince(resourceVersion + 1n, {})).toBe("gone");
      expect(await store.changesSince(-1n, {})).toBe("gone");
    });

    test("writers at the same time get versions in the order of their commits", async () => {
      const { resourceVersion: start } = await store.listResources();
      const seen: bigint[] = [];
      let writing = true;
      const reader = (async () => {
        let at = start;
        while (writing) {
          const changes = await store.changesSince(at, { namespace });
          if (changes === "gone") throw new Error("gone");
          for (const { resource } of changes) seen.push(resource.resourceVersion);
          at = seen.at(-1) ?? at;
          await new Promise((wake) => setImmediate(wake));
        }
      })();
      const names = Array.from({ length: 40 }, (_, index) => `chat-${index}`);
      await Promise.all(names.map(async (name) => done(await store.createResource(route(name)))));
      writing = false;
      await reader;
      const all = await store.changesSince(start, { namespace });
      if (all === "gone") throw new Error("gone");
      expect(all).toHaveLength(40);
      expect(seen, "none was skipped").toEqual(
        all.slice(0, seen.length).map(({ resource }) => resource.resourceVersion),
      );
    });

    test("of many writers that expect the same version one writes", async () => {
      for (let round = 0; round < 5; round++) {
        const { resourceVersion } = done(await store.createResource(route(`chat-${round}`)));
        const writes = Array.from({ length: 8 }, (_, n) =>
          store.updateResource(route(`chat-${round}`, { n }), resourceVersion),
        );
        const kinds = (await Promise.all(writes)).map((answer) => answer.kind);
        expect(kinds.filter((kind) => kind === "written")).toHaveLength(1);
      }
    });
  });

  describe("revisions", () => {
    const snapshot: Snapshot = {
      format: 1,
      minReader: 1,
      gateways: [],
      providers: [],
      prices: {},
      limits: [],
      stops: [],
    };

    test("are numbered from 1 on, the newest comes back", async () => {
      await using fresh = await open();
      expect(await fresh.latestRevision()).toBeUndefined();
      const first = await fresh.recordRevision({ digest: "sha256:a", snapshot, recordedAtMs: 5 });
      expect(first).toEqual({ revision: 1, digest: "sha256:a", snapshot, recordedAtMs: 5 });
      await Promise.all(["b", "c", "d"].map((digest) => fresh.recordRevision({ digest, snapshot, recordedAtMs: 6 })));
      expect((await fresh.latestRevision())?.revision).toBe(4);
    });
  });

  describe("revocations", () => {
    test("are kept once, with the words of the first", async () => {
      const revocation = { hash: "a".repeat(64), key: `${namespace}/k`, revokedAtMs: 7, by: "ana", reason: "leaked" };
      const heard: string[] = [];
      const stop = store.onChange((change) => heard.push(change));
      await store.revokeKey(revocation);
      await store.revokeKey({ ...revocation, by: "eve", reason: "never mind" });
      stop();
      expect(await store.listRevocations()).toEqual([revocation]);
      expect(heard[0]).toBe("revocation");
    });
  });

  describe("usage", () => {
    const full = (instance: string, seq: number): UsageEvent => ({
      ...{ instance, seq, requestId: `req-${instance}-${seq}`, startedAtMs: 1_000 + seq, durationMs: 12.5 },
      ...{ firstByteMs: 3.25, outcome: "Served", status: 200, code: "none", gateway: "ai/main", protocol: "openai" },
      ...{ operation: "chat.completions", stream: true, key: "ai/app", namespace: "ai", team: "search" },
      ...{ service: "api", user: "ana", metadata: { cost: "center" }, model: "gpt-4o", route: "ai/chat" },
      ...{ target: "main", provider: "ai/openai", upstreamModel: "gpt-4o-2024", upstreamRequestId: "r1", attempts: 2 },
      tokens: {
        ...{ input: 1, inputAudio: 2, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5, cacheWriteOther: 6 },
        ...{ output: 7, outputReasoning: 8, outputAudio: 9 },
      },
      ...{ requestBytes: 10, responseBytes: 11 },
    });
    const bare = (instance: string, seq: number): UsageEvent => ({
      ...{ instance, seq, requestId: `bare-${instance}-${seq}`, startedAtMs: 1_000 + seq, durationMs: 1 },
      ...{ outcome: "Refused", status: 401, code: "key_unknown", protocol: "anthropic", operation: "messages" },
      ...{ stream: false, attempts: 0, requestBytes: 0, responseBytes: 0 },
    });
    const batch = (instance: string, firstSeq: number, events: (UsageEvent | string)[]) => ({
      ...{ instance, firstSeq },
      lines: events.map((event) => (typeof event === "string" ? event : JSON.stringify(event))),
    });

    test("events come back as they were, newest first, by request id or time", async () => {
      const events = [full(namespace, 1), bare(namespace, 2)];
      expect(await store.recordUsage(batch(namespace, 1, events))).toEqual({ watermark: 2, rejected: 0 });
      expect(await store.listUsage({ limit: 1, requestId: `req-${namespace}-1` })).toEqual([events[0]]);
      expect(await store.listUsage({ limit: 1, requestId: `bare-${namespace}-2` })).toEqual([events[1]]);
      const listed = await store.listUsage({ limit: 100, sinceMs: 1_001 });
      expect(listed.filter((event) => event.instance === namespace)).toEqual(events.toReversed());
    });

    test("a batch delivered again changes nothing", async () => {
      const events = [full(namespace, 1), full(namespace, 2)];
      await store.recordUsage(batch(namespace, 1, events));
      const changed = { ...full(namespace, 2), status: 500 };
      expect(await store.recordUsage(batch(namespace, 1, [full(namespace, 1), changed, full(namespace, 3)]))).toEqual({
        ...{ watermark: 3, rejected: 0 },
      });
      expect(await store.listUsage({ limit: 9, requestId: `req-${namespace}-2` })).toEqual([events[1]]);
    });

    test("the watermark waits at a gap and jumps when it is filled", async () => {
      expect(await store.usageWatermark(namespace)).toBe(0);
      const at = async (...seqs: number[]) =>
        (
          await store.recordUsage(
            batch(
              namespace,
              seqs[0] ?? 0,
              seqs.map((seq) => bare(namespace, seq)),
            ),
          )
        ).watermark;
      expect(await at(1, 2)).toBe(2);
      expect(await at(5, 6)).toBe(2);
      expect(await at(4)).toBe(2);
      expect(await at(3)).toBe(6);
      expect(await store.usageWatermark(namespace)).toBe(6);
    });

    test.each([
      ["no JSON", "{"],
      ["another JSON value", "17"],
      ["JSON that a comma makes whole", '{"seq":1},'],
      ["no number", JSON.stringify({ ...bare("x", 3), seq: undefined })],
      ["a number below 1", JSON.stringify({ ...bare("x", 3), seq: 0 })],
      ["a wrong type", JSON.stringify({ ...bare("x", 3), status: "fine" })],
      ["another instance's", JSON.stringify(bare("someone-else", 3))],
      ["a NUL in a text", JSON.stringify({ ...bare("x", 3), model: "a\0b" })],
      ["half a surrogate pair", JSON.stringify({ ...bare("x", 3), metadata: { a: "\ud800" } })],
      ["a raw NUL", "\0"],
      ["an empty line", ""],
    ])("a line that is %s is set aside, and the others recorded", async (_, line) => {
      const bad = line.replaceAll('"instance":"x"', `"instance":"${namespace}"`);
      const lines = [bare(namespace, 1), bare(namespace, 2), bad, bare(namespace, 4), bare(namespace, 5)];
      expect(await store.recordUsage(batch(namespace, 1, lines))).toEqual({ watermark: 5, rejected: 1 });
      const recorded = (await store.listUsage({ limit: 10_000 })).filter((event) => event.instance === namespace);
      expect(recorded.map((event) => event.seq)).toEqual([5, 4, 2, 1]);
      expect(log.lines).toEqual([
        {
          level: "error",
          message: "a usage event could not be read; its line is kept in usage_rejects",
          fields: { instance: namespace, seq: 3, reason: expect.any(String) },
        },
      ]);
    });
  });

  describe("the database", () => {
    test("a failure names what was being done and quotes no values", async () => {
      const closed = await open();
      await closed[Symbol.asyncDispose]();
      const failure = await closed.createResource(route("secret-name", { a: "secret-spec" })).catch((error) => error);
      expect(failure.message).toMatch(/^The record could not create Route test-\d+\/secret-name: /);
      expect(failure.message).not.toContain("secret-spec");
    });
  });
});

function done(answer: Written | WriteRefusal): StoredResource {
  if (answer.kind !== "written") throw new Error(`not written: ${answer.kind}`);
  return answer.resource;
}
