/** Tables: what `kubectl get` and `sluice get` print, columns and cells chosen by the server. */

import { columnsOf, columnValues, type Kind } from "@sluice/api";
import type { ApiObject } from "./api-object.ts";
import { StatusError } from "./status-error.ts";

/** Whether the caller wants a table: `application/json;as=Table;v=v1;g=meta.k8s.io` among what it accepts. */
export function wantsTable(accept: string | undefined): boolean {
  return (accept ?? "").split(",").some((type) => /;\s*as=Table\b/.test(type) && /;\s*v=v1\b/.test(type));
}

/** What stands beside the cells of a row: kubectl sorts by fields of the whole object, and takes labels from its metadata. */
export type RowObject = "Metadata" | "Object" | "None";

export function rowObjectOf(query: URLSearchParams): RowObject {
  const asked = query.get("includeObject") ?? "";
  if (asked === "") return "Metadata";
  if (asked === "Metadata" || asked === "Object" || asked === "None") return asked;
  throw new StatusError("BadRequest", "includeObject must be Metadata, Object or None");
}

/** `withColumns`: a watch names them in its first event only. */
export function table(
  kind: Kind,
  objects: readonly ApiObject[],
  options: { nowMs: number; resourceVersion?: string; withColumns: boolean; rowObject: RowObject },
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
      ...besideCells(object, options.rowObject),
    })),
  };
}

function besideCells(object: ApiObject, rowObject: RowObject): { object?: unknown } {
  switch (rowObject) {
    case "Metadata":
      return { object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata } };
    case "Object":
      return { object };
    case "None":
      return {};
  }
}
