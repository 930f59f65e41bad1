/** What a resource's file says once: names, columns, spec and status. Types, CRD, reference page and table come from it. */

import type { z } from "zod";
import type { ObjectMeta } from "./metadata.ts";

export const apiGroup = "sluice.dev";
export const apiVersionName = "v1alpha1";
export const apiVersion = `${apiGroup}/${apiVersionName}` as const;
export const category = "sluice";

/** A column of `kubectl get` and `sluice get`. `date` is shown as an age, so it never holds a time to come. */
export type Column = {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  /** In the subset that `columnValues` reads. */
  readonly jsonPath: string;
  readonly description: string;
  /** 1 shows only in wide output. */
  readonly priority?: 1;
};

export type ResourceDefinition<Kind extends string = string, Spec extends z.ZodObject = z.ZodObject> = {
  readonly kind: Kind;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  readonly categories: readonly string[];
  /** One paragraph for people: the head of its reference page and the CRD's description. */
  readonly description: string;
  readonly spec: Spec;
  /** What the control plane writes beside `observedGeneration` and `conditions`. */
  readonly status: z.ZodObject;
  readonly columns: readonly Column[];
  /** YAML for the reference page; a test parses it. */
  readonly example: string;
};

/** A resource of one kind, as it is stored, listed and compiled: validated, server-side defaults filled in. */
export type ResourceOf<Kind extends string, Spec> = {
  readonly apiVersion: typeof apiVersion;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
};

const ready: Column = {
  name: "Ready",
  type: "string",
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  description: "Whether it is in force on every data plane.",
};
const age: Column = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since it was made.",
};

/** `columns` stand between Ready and Age, which every kind has. */
export function resource<Kind extends string, Spec extends z.ZodObject>(definition: {
  kind: Kind;
  shortName: string;
  description: string;
  spec: Spec;
  status: z.ZodObject;
  columns: readonly Column[];
  example: string;
}): ResourceDefinition<Kind, Spec> {
  const singular = definition.kind.toLowerCase();
  return {
    ...definition,
    singular,
    plural: `${singular}s`,
    categories: [category],
    columns: [ready, ...definition.columns, age],
  };
}
