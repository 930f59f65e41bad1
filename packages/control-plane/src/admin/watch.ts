/** Watches: every change of a collection after a version, one JSON object a line, until the caller leaves or its time is over. */

import type { ResourceChange, StoredResource } from "../store/store.ts";
import { apiObject } from "./api-object.ts";
import { type Call, filterOf, type HandlerPorts } from "./resource-handlers.ts";
import { selectorOf } from "./selectors.ts";
import { StatusError } from "./status-error.ts";
import { table, wantsTable } from "./table.ts";

/** Kubernetes ends a watch that names no time after 30 to 60 minutes. */
const secondsMax = 3_600;
const bookmarkEveryMs = 30_000;

/** `closing`: the listener is to end. */
export async function watch(call: Call, ports: HandlerPorts & { closing: AbortSignal }): Promise<Response> {
  const { request, query } = call;
  const given = query.get("resourceVersion") ?? "";
  if (given !== "" && !/^[0-9]{1,18}$/.test(given))
    throw new StatusError("BadRequest", "resourceVersion must be one that this API has told");
  const selects = selectorOf({
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
  });
  const seconds = Math.min(secondsMax, Math.max(1, Number(query.get("timeoutSeconds") ?? secondsMax) || secondsMax));
  const stop = AbortSignal.any([request.signal, ports.closing, AbortSignal.timeout(seconds * 1000)]);
  const events = new EventWriter(call, ports.nowMs);

  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const tail = new Tail(call, ports, { selects, events, send: (line) => controller.enqueue(line) });
      try {
        const initial = given === "" || given === "0" || query.get("sendInitialEvents") === "true";
        await tail.run(initial ? undefined : BigInt(given), stop);
      } catch {
        // The caller has gone in the middle of a line, or the store has closed under us: there is nobody to tell.
      }
      try {
        controller.close();
      } catch {
        // It was cancelled by the caller.
      }
    },
  });
  return new Response(body, { headers: { "content-type": "application/json", "cache-control": "no-store" } });
}

type Sink = { selects: (resource: StoredResource) => boolean; events: EventWriter; send: (line: Uint8Array) => void };

class Tail {
  readonly #call: Call;
  readonly #ports: HandlerPorts;
  readonly #sink: Sink;
  /** Those that matched when they were last told: one that no longer matches is told as deleted. */
  readonly #told = new Set<string>();
  #version = 0n;

  constructor(call: Call, ports: HandlerPorts, sink: Sink) {
    this.#call = call;
    this.#ports = ports;
    this.#sink = sink;
  }

  /** `since`: undefined begins with what is there now. */
  async run(since: bigint | undefined, stop: AbortSignal): Promise<void> {
    const { query, place } = this.#call;
    const { store } = this.#ports;
    const bookmarks = query.get("allowWatchBookmarks") === "true";
    let wake = () => {};
    const end = store.onChange(() => wake());
    const cancelled = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
    try {
      this.#version = since ?? (await this.#tellAll());
      if (since === undefined && query.get("sendInitialEvents") === "true")
        this.#send(this.#sink.events.bookmark(this.#version, true));
      while (!stop.aborted) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const changes = await store.changesSince(this.#version, filterOf(place));
        if (changes === "gone") {
          this.#send(this.#sink.events.expired());
          return;
        }
        for (const change of changes) this.#tell(change);
        if (changes.length > 0) continue;
        const { promise: due, timer } = after(bookmarkEveryMs);
        const woken = await Promise.race([changed.then(() => "changed"), due, cancelled]);
        clearTimeout(timer);
        if (woken === "due" && bookmarks) this.#send(this.#sink.events.bookmark(this.#version, false));
      }
    } finally {
      end();
    }
  }

  async #tellAll(): Promise<bigint> {
    const { resources, resourceVersion } = await this.#ports.store.listResources(filterOf(this.#call.place));
    for (const resource of resources.filter(this.#sink.selects)) {
      this.#told.add(resource.uid);
      this.#send(this.#sink.events.change("ADDED", resource));
    }
    return resourceVersion;
  }

  #tell({ type, resource }: ResourceChange): void {
    this.#version = resource.resourceVersion;
    const before = this.#told.has(resource.uid);
    const matches = this.#sink.selects(resource);
    if (type === "DELETED" || !matches) {
      this.#told.delete(resource.uid);
      // Selected by a label that it has lost, or told before this watch began: gone all the same.
      if (before || (type === "DELETED" && matches)) this.#send(this.#sink.events.change("DELETED", resource));
      return;
    }
    this.#told.add(resource.uid);
    this.#send(this.#sink.events.change(type, resource));
  }

  #send(event: unknown): void {
    this.#sink.send(Buffer.from(`${JSON.stringify(event)}\n`));
  }
}

/** Events in the form that the caller wants: objects, or rows of a table whose first names the columns. */
class EventWriter {
  readonly #call: Call;
  readonly #nowMs: () => number;
  readonly #asTable: boolean;
  #hasColumns = false;

  constructor(call: Call, nowMs: () => number) {
    this.#call = call;
    this.#nowMs = nowMs;
    this.#asTable = wantsTable(call.request.headers.get("accept") ?? "");
  }

  change(type: ResourceChange["type"], resource: StoredResource) {
    const object = apiObject(resource);
    if (!this.#asTable) return { type, object };
    const withColumns = !this.#hasColumns;
    this.#hasColumns = true;
    return { type, object: table(this.#call.place.definition.kind, [object], { nowMs: this.#nowMs(), withColumns }) };
  }

  bookmark(version: bigint, initialEnd: boolean) {
    const { kind } = this.#call.place.definition;
    const metadata = {
      resourceVersion: String(version),
      creationTimestamp: null,
      ...(initialEnd && { annotations: { "k8s.io/initial-events-end": "true" } }),
    };
    return { type: "BOOKMARK", object: { apiVersion: "sluice.dev/v1alpha1", kind, metadata, spec: {} } };
  }

  expired() {
    return { type: "ERROR", object: new StatusError("Expired", "The resourceVersion is too old: list again").body };
  }
}

function after(ms: number): { promise: Promise<"due">; timer: NodeJS.Timeout } {
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<"due">((resolve) => {
    timer = setTimeout(() => resolve("due"), ms);
  });
  return { promise, timer: timer as NodeJS.Timeout };
}
