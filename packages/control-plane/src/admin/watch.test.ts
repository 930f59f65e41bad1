/** Watches on a real store: what is told of objects that enter and leave a selection, and what a caller costs that reads slowly or goes. */

import { findKind } from "@sluice/api";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { realClock, testLog } from "../../test/observed.ts";
import { openPgliteStore } from "../store/postgres.ts";
import type { ResourceWrite, Store } from "../store/store.ts";
import { watch } from "./watch.ts";
import { followChanges, type Watched } from "./watch-changes.ts";

const soon = { timeout: 20_000, interval: 10 };
let store: Store;
let listeners = 0;
let reads = 0;
beforeAll(async () => {
  const real = await openPgliteStore({}, { nowMs: Date.now, log: testLog() });
  store = {
    ...real,
    changesSince(...given) {
      reads++;
      return real.changesSince(...given);
    },
    onChange(listener) {
      listeners++;
      const end = real.onChange(listener);
      return () => {
        listeners--;
        end();
      };
    },
    [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
  };
});
afterAll(() => store[Symbol.asyncDispose]());

let namespace = "";
let tests = 0;
let leave = new AbortController();
beforeEach(() => {
  namespace = `watch-${++tests}`;
  leave = new AbortController();
  return () => leave.abort();
});

const route = (name: string, labels: Record<string, string> = {}, kind = "Route"): ResourceWrite => ({
  ...{ kind, namespace, name, labels, annotations: {}, spec: { models: [name] }, origin: { kind: "API" } },
});

/** Tells as `TYPE name` or `BOOKMARK version` what is watched, as it comes. */
function follow(more: Partial<Watched>): string[] {
  const told: string[] = [];
  const watched: Watched = {
    filter: { kind: "Route", namespace },
    selects: () => true,
    selectionMoves: false,
    since: undefined,
    marksInitialEnd: false,
    bookmarks: false,
    bookmarkEveryMs: 60_000,
    stop: leave.signal,
    ...more,
  };
  void (async () => {
    for await (const event of followChanges(store, watched)) {
      if (event.kind === "change") told.push(`${event.type} ${event.resource.name}`);
      else told.push(event.kind === "bookmark" ? `BOOKMARK ${event.version}` : event.kind);
    }
  })();
  return told;
}

const ofTeamA: Partial<Watched> = { selects: ({ labels }) => labels.team === "a", selectionMoves: true };

test("an object that loses its label is deleted to who selects by it, also when it was there before", async () => {
  await store.createResource(route("leaves", { team: "a" }));
  await store.createResource(route("never", { team: "b" }));
  const { resourceVersion: since } = await store.listResources({ namespace });
  const resumed = follow({ ...ofTeamA, since });
  const fresh = follow(ofTeamA);
  await vi.waitFor(() => expect(fresh).toEqual(["ADDED leaves"]), soon);

  await store.updateResource(route("never", { team: "c" }));
  await store.updateResource(route("leaves", { team: "b" }));
  await store.updateResource(route("leaves", { team: "a" }));
  await store.updateResource(route("leaves", { team: "a", other: "x" }));
  await store.deleteResource(route("never"), { kind: "API" });
  await store.deleteResource(route("leaves"), { kind: "API" });
  const changes = ["DELETED leaves", "ADDED leaves", "MODIFIED leaves", "DELETED leaves"];
  await vi.waitFor(() => expect(resumed).toEqual(changes), soon);
  await vi.waitFor(() => expect(fresh).toEqual(["ADDED leaves", ...changes]), soon);
});

test("an object that lost its label between the caller's list and its watch is deleted to it", async () => {
  await store.createResource(route("quick", { team: "a" }));
  const { resourceVersion: since } = await store.listResources({ namespace });
  await store.updateResource(route("quick", { team: "b" }));
  const told = follow({ ...ofTeamA, since });
  await vi.waitFor(() => expect(told).toEqual(["DELETED quick"]), soon);
});

test("bookmarks move on with what happens elsewhere, so that a quiet watch does not fall out of the history", async () => {
  const { resourceVersion: since } = await store.listResources({ namespace });
  const told = follow({ since, bookmarks: true, bookmarkEveryMs: 5 });
  await store.createResource(route("elsewhere", {}, "Provider"));
  const { resourceVersion: now } = await store.listResources({ namespace });
  await vi.waitFor(() => expect(told).toContain(`BOOKMARK ${now}`), soon);
  expect(told.filter((event) => !event.startsWith("BOOKMARK"))).toEqual([]);
});

test("a version that the history has forgotten, or never had, ends the watch", async () => {
  const told = follow({ since: 1_000_000_000n });
  await vi.waitFor(() => expect(told).toEqual(["gone"]), soon);
  expect(listeners).toBe(0);
});

function watchRoutes(from: Store = store, log = testLog()) {
  const definition = findKind("routes");
  if (definition === undefined) throw new Error("there are no routes");
  const request = new Request(`http://x/?watch=true`);
  const call = { request, query: new URL(request.url).searchParams, place: { definition, namespace } };
  const answer = watch(call, { store: from, nowMs: realClock.nowMs, closing: leave.signal, log });
  return (answer.body as ReadableStream<Uint8Array>).getReader();
}

test("a caller that does not read holds nothing: changes are read from the store when it does", async () => {
  const reader = watchRoutes();
  await store.createResource(route("first"));
  await vi.waitFor(() => expect(listeners).toBe(1), soon);
  const before = reads;
  for (let count = 0; count < 50; count++) await store.updateResource(route("first", { count: String(count) }));
  expect(reads - before).toBeLessThan(5);
  let text = "";
  while (!text.includes('"count":"49"')) text += Buffer.from((await reader.read()).value ?? []).toString();
  expect(text.split("\n").length - 1).toBeGreaterThan(50);
  await reader.cancel();
});

test("a caller that goes leaves nothing behind, wherever its watch was", async () => {
  await store.createResource(route("waiting"));
  const waiting = watchRoutes();
  await waiting.read();
  void waiting.read();
  const unread = watchRoutes();
  await vi.waitFor(() => expect(listeners).toBe(2), soon);
  await Promise.all([waiting.cancel(), unread.cancel()]);
  await vi.waitFor(() => expect(listeners).toBe(0), soon);
});

test("a store that fails is told as an error, and logged", async () => {
  const log = testLog();
  const failing: Store = { ...store, changesSince: () => Promise.reject(new Error("the disk is gone")) };
  const reader = watchRoutes(failing, log);
  const { value } = await reader.read();
  expect(JSON.parse(Buffer.from(value ?? []).toString())).toMatchObject({ type: "ERROR", object: { code: 500 } });
  expect((await reader.read()).done).toBe(true);
  expect(log.lines.map(({ message }) => message)).toEqual(["a watch of the admin API failed"]);
});
