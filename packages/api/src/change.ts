/** What an update may not change. The API server says the same by CEL. */

import { immutableFields } from "./fields/immutable.ts";
import { kinds, type Resource } from "./kinds.ts";
import type { Problem } from "./read/problem.ts";

/** Problems of replacing one resource by another of the same kind, namespace and name. */
export function changeProblems(previous: Resource, next: Resource): Problem[] {
  const definition = kinds.find(({ kind }) => kind === next.kind);
  if (definition === undefined || previous.kind !== next.kind) return [];
  const before = previous.spec as Readonly<Record<string, unknown>>;
  const after = next.spec as Readonly<Record<string, unknown>>;
  return immutableFields(definition.spec)
    .filter(({ field }) => before[field] !== after[field])
    .map(({ field, message }) => ({ path: `spec.${field}`, message, reason: "FieldValueForbidden" }));
}
