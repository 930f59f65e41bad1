/**
 * Watches over HTTP: one JSON object a line, until the caller leaves or its time is over. Lines are made as the caller reads
 * them: one that reads slowly holds no memory here, and one that falls behind the history is told to list again.
 */

import type { Log } from "../log.ts";
import { type Call, filterOf, type HandlerPorts } from "./resource-handlers.ts";
import { selectorOf } from "./selectors.ts";
import { StatusError } from "./status-error.ts";
import { followChanges } from "./watch-changes.ts";
import { EventWriter } from "./watch-events.ts";

/** Kubernetes ends a watch that names no time after 30 to 60 minutes. */
const secondsMax = 3_600;
const bookmarkEveryMs = 30_000;

/** `closing`: the listener is to end. */
export function watch(call: Call, ports: HandlerPorts & { closing: AbortSignal; log: Log }): Response {
  const { request, query, place } = call;
  const given = query.get("resourceVersion") ?? "";
  if (given !== "" && !/^[0-9]{1,18}$/.test(given))
    throw new StatusError("BadRequest", "resourceVersion must be one that this API has told");
  const labelSelector = query.get("labelSelector") ?? "";
  const selects = selectorOf({ labelSelector, fieldSelector: query.get("fieldSelector") ?? "" });
  const withInitial = query.get("sendInitialEvents") === "true";
  const events = new EventWriter(call, ports.nowMs);

  const left = new AbortController();
  const time = AbortSignal.timeout(secondsOf(query) * 1000);
  const stop = AbortSignal.any([request.signal, left.signal, ports.closing, time]);
  const lines = followChanges(ports.store, {
    filter: filterOf(place),
    selects,
    selectionMoves: labelSelector !== "",
    since: withInitial || given === "" || given === "0" ? undefined : BigInt(given),
    marksInitialEnd: withInitial,
    bookmarks: query.get("allowWatchBookmarks") === "true",
    bookmarkEveryMs,
    stop,
  });

  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value: event, done } = await lines.next();
        if (done) return controller.close();
        controller.enqueue(line(events.written(event)));
      } catch (error) {
        if (!stop.aborted) {
          ports.log.error("a watch of the admin API failed", { error });
          controller.enqueue(line(events.failed()));
        }
        controller.close();
      }
    },
    async cancel() {
      left.abort();
      await lines.return();
    },
  });
  return new Response(body, { headers: { "content-type": "application/json", "cache-control": "no-store" } });
}

function secondsOf(query: URLSearchParams): number {
  const asked = Number(query.get("timeoutSeconds") ?? 0);
  return asked >= 1 ? Math.min(secondsMax, asked) : secondsMax;
}

function line(event: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(event)}\n`);
}
