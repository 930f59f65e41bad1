/** The cells of a resource's row in `get`: as kubectl prints them for the same columns. */

import assert from "node:assert/strict";
import { type Kind, kinds } from "../kinds.ts";
import type { Column } from "../resource.ts";
import { ageText } from "./age.ts";
import { valuesAt } from "./json-path.ts";

/** Columns of a kind, the name first. `priority` 1 belongs to wide output. */
export function columnsOf(kind: Kind): readonly Column[] {
  const definition = kinds.find((entry) => entry.kind === kind);
  assert(definition, `${kind} is not a kind`);
  const name: Column = { name: "Name", type: "string", jsonPath: ".metadata.name", description: "Name of the object." };
  return [name, ...definition.columns];
}

/** One cell for each of `columnsOf(kind)`: a number for an integer column, text otherwise, null for nothing. */
export function columnValues(kind: Kind, object: unknown, nowMs: number): (string | number | null)[] {
  return columnsOf(kind).map((column) => cell(column, valuesAt(object, column.jsonPath), nowMs));
}

function cell(column: Column, values: readonly unknown[], nowMs: number): string | number | null {
  const [first] = values;
  if (first === undefined) return null;
  switch (column.type) {
    case "integer":
      return typeof first === "number" ? Math.trunc(first) : null;
    case "date": {
      const sinceMs = nowMs - Date.parse(String(first));
      return Number.isNaN(sinceMs) ? null : ageText(sinceMs);
    }
    case "string":
      return values.map((value) => (typeof value === "object" ? JSON.stringify(value) : String(value))).join(" ");
  }
}
