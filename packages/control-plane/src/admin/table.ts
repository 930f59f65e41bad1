/** Tables: what `kubectl get` and `sluice get` print, columns and cells chosen by the server. */

import { columnsOf, columnValues, type Kind } from "@sluice/api";
import type { ApiObject } from "./api-object.ts";

/** Whether the caller wants a table: `application/json;as=Table;v=v1;g=meta.k8s.io` among what it accepts. */
export function wantsTable(accept: string | undefined): boolean {
  return (accept ?? "").split(",").some((type) => /;\s*as=Table\b/.test(type) && /;\s*v=v1\b/.test(type));
}

/** `withColumns`: a watch names them in its first event only. */
export function table(
  kind: Kind,
  objects: readonly ApiObject[],
  options: { nowMs: number; resourceVersion?: string; withColumns: boolean },
) {
  const columnDefinitions = columnsOf(kind).map(({ name, type, description, priority }) => ({
    name,
    // Ages come as finished text, which the type `date` would have clients parse again.
    type: type === "date" ? "string" : type,
    format: name === "Name" ? "name" : "",
    description,
    priority: priority ?? 0,
  }));
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: { resourceVersion: options.resourceVersion ?? objects[0]?.metadata.resourceVersion ?? "" },
    columnDefinitions: options.withColumns ? columnDefinitions : [],
    rows: objects.map((object) => ({
      cells: columnValues(kind, object, options.nowMs),
      object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata },
    })),
  };
}
