/** Events of a watch in the form that the caller wants: objects, or rows of a table whose first names the columns. */

import { apiVersion } from "@sluice/api";
import { apiObject } from "./api-object.ts";
import type { Call } from "./resource-handlers.ts";
import { StatusError } from "./status-error.ts";
import { rowObjectOf, table, wantsTable } from "./table.ts";
import type { WatchEvent } from "./watch-changes.ts";

export class EventWriter {
  readonly #call: Call;
  readonly #nowMs: () => number;
  readonly #asTable: boolean;
  #hasColumns = false;

  constructor(call: Call, nowMs: () => number) {
    this.#call = call;
    this.#nowMs = nowMs;
    this.#asTable = wantsTable(call.request.headers.get("accept") ?? "");
  }

  written(event: WatchEvent): { type: string; object: unknown } {
    switch (event.kind) {
      case "change":
        return { type: event.type, object: this.#object(apiObject(event.resource)) };
      case "bookmark":
        return { type: "BOOKMARK", object: this.#bookmark(event.version, event.initialEnd) };
      case "gone":
        return {
          type: "ERROR",
          object: new StatusError("Expired", "The resourceVersion is too old: list again").body,
        };
    }
  }

  failed(): { type: string; object: unknown } {
    const message = "The control plane could not read its record; the reason is in its log";
    return { type: "ERROR", object: new StatusError("InternalError", message).body };
  }

  #object(object: ReturnType<typeof apiObject>) {
    if (!this.#asTable) return object;
    const withColumns = !this.#hasColumns;
    this.#hasColumns = true;
    const { place, query } = this.#call;
    const options = { nowMs: this.#nowMs(), withColumns, rowObject: rowObjectOf(query) };
    return table(place.definition.kind, [object], options);
  }

  #bookmark(version: bigint, initialEnd: boolean) {
    const { kind } = this.#call.place.definition;
    const annotations = initialEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {};
    const metadata = { resourceVersion: String(version), creationTimestamp: null, ...annotations };
    return { apiVersion, kind, metadata, spec: {} };
  }
}
