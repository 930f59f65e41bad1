/**
 * The part of kubectl's JSONPath that columns use: `.a.b`, `[*]`, and `[?(@.type=="Ready")]`. Written here because the
 * admin API prints the tables that a Kubernetes API server would.
 */

import assert from "node:assert/strict";

type Step =
  | { readonly kind: "member"; readonly name: string }
  | { readonly kind: "each" }
  | { readonly kind: "where"; readonly name: string; readonly value: string };

const stepForm = /\.([A-Za-z0-9_-]+)|\[(\*)\]|\[\?\(@\.([A-Za-z0-9_-]+)=="([^"]*)"\)\]/y;

/** Every value that the path reaches, in order. The path is one of our own columns: another form is a bug. */
export function valuesAt(object: unknown, jsonPath: string): unknown[] {
  let values = [object];
  for (const step of stepsOf(jsonPath)) values = values.flatMap((value) => take(value, step));
  return values.filter((value) => value !== undefined && value !== null);
}

function stepsOf(jsonPath: string): Step[] {
  const steps: Step[] = [];
  stepForm.lastIndex = 0;
  while (stepForm.lastIndex < jsonPath.length) {
    const from = stepForm.lastIndex;
    const match = stepForm.exec(jsonPath);
    assert(match, `JSONPath ${jsonPath}: unknown form at character ${from}`);
    const [, name, each, filterName, filterValue] = match;
    if (name !== undefined) steps.push({ kind: "member", name });
    else if (each !== undefined) steps.push({ kind: "each" });
    else steps.push({ kind: "where", name: filterName ?? "", value: filterValue ?? "" });
  }
  return steps;
}

function take(value: unknown, step: Step): unknown[] {
  switch (step.kind) {
    case "member":
      return [member(value, step.name)];
    case "each":
      return Array.isArray(value) ? value : [];
    case "where":
      return Array.isArray(value) ? value.filter((item) => member(item, step.name) === step.value) : [];
  }
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
