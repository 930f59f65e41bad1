/**
 * JSON Schema of a zod schema, in the dialect that a Kubernetes API server takes in a CRD ("structural"): no references, no
 * additionalProperties beside properties, and what JSON Schema can't say as `x-kubernetes-*`, from the schema's metadata.
 * Throws where a schema uses what the server would refuse or price without bound: that is a bug in a resource's file.
 */

import assert from "node:assert/strict";
import { z } from "zod";
import type { KubernetesMeta } from "../fields/rule.ts";

export type StructuralSchema = {
  description?: string;
  type: "object" | "array" | "string" | "integer" | "number" | "boolean";
  format?: string;
  enum?: string[];
  pattern?: string;
  default?: unknown;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  items?: StructuralSchema;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  "x-kubernetes-list-type"?: "map" | "set" | "atomic";
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-validations"?: { rule: string; message: string }[];
};

/** What zod gives, of the keywords that resources use. */
type Node = Record<string, unknown> & {
  type?: string;
  properties?: Record<string, Node>;
  additionalProperties?: Node | false;
  items?: Node;
  required?: string[];
  k8s?: KubernetesMeta;
};

export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const node = z.toJSONSchema(schema, { target: "openapi-3.0", io: "input", reused: "inline" }) as Node;
  return convert(node, { path: "", insideList: false });
}

/** Kept as they are, in the order in which they are written. */
const plainKeywords = [
  "description",
  "type",
  "format",
  "enum",
  "pattern",
  "default",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "maxProperties",
  "required",
] as const;
const structuralKeywords: readonly string[] = [...plainKeywords, "properties", "additionalProperties", "items", "k8s"];

function convert(node: Node, at: { path: string; insideList: boolean }): StructuralSchema {
  const { path, insideList } = at;
  for (const keyword of Object.keys(node)) {
    assert(structuralKeywords.includes(keyword), `${path}: "${keyword}" has no place in a structural schema`);
  }
  assert(node.type !== undefined, `${path}: has no type`);
  assert(!insideList || node.default === undefined, `${path}: a default inside a list keeps GitOps tools out of sync`);
  assertBounded(node, path);

  const result: Record<string, unknown> = {};
  for (const keyword of plainKeywords) if (node[keyword] !== undefined) result[keyword] = node[keyword];
  // zod's own check of a time is a pattern of a kilobyte; the server knows the format.
  if (node.format === "date-time") delete result.pattern;

  if (node.items !== undefined) result.items = convert(node.items, { path: `${path}[]`, insideList: true });
  if (node.properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(node.properties).map(([name, member]) => [
        name,
        convert(member, { path: `${path}.${name}`, insideList }),
      ]),
    );
  } else if (node.additionalProperties) {
    result.additionalProperties = convert(node.additionalProperties, { path: `${path}.*`, insideList });
  }
  return { ...result, ...extensions(node, path) } as StructuralSchema;
}

function extensions({ type, k8s = {}, items }: Node, path: string): Partial<StructuralSchema> {
  const { listMapKey, listSet, cel } = k8s;
  const listType = listMapKey !== undefined ? "map" : listSet ? "set" : type === "array" ? "atomic" : undefined;
  if (listMapKey !== undefined) {
    assert(items?.required?.includes(listMapKey), `${path}: the list-map key ${listMapKey} must be required`);
  }
  return {
    ...(listType && { "x-kubernetes-list-type": listType }),
    ...(listMapKey !== undefined && { "x-kubernetes-list-map-keys": [listMapKey] }),
    ...(cel && { "x-kubernetes-validations": cel.map(({ rule, message }) => ({ rule, message })) }),
  };
}

/** The server prices rules by the largest object that may come: without bounds, none fits its budget. */
function assertBounded(node: Node, path: string): void {
  if (node.type === "array") assert(node.maxItems !== undefined, `${path}: a list needs maxItems`);
  if (node.type === "string" && node.enum === undefined) {
    assert(node.maxLength !== undefined || node.format === "date-time", `${path}: a string needs maxLength`);
  }
  if (node.type === "object" && node.properties === undefined) {
    assert(node.maxProperties !== undefined, `${path}: a map needs maxProperties`);
  }
}
