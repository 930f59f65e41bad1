/**
 * A rule between fields, said twice: as a check of ours, and in CEL for the Kubernetes API server, with one message. What
 * JSON Schema cannot say rides on the schema as `k8s` metadata and becomes `x-kubernetes-*` in the CRD.
 */

import type { z } from "zod";

export type CelRule = { readonly rule: string; readonly message: string };

/** What a schema's metadata may hold beside its description. */
export type KubernetesMeta = {
  readonly cel?: readonly CelRule[];
  /** The key that tells a list's items apart; the list is then merged item by item. */
  readonly listMapKey?: string;
  /** A list of distinct values. */
  readonly listSet?: true;
};

/** Adds a rule to a schema. `holds` sees values that are valid by themselves; `path` is where a breach is reported. */
export function withRule<Schema extends z.ZodType>(
  schema: Schema,
  rule: { cel: string; message: string; holds: (value: z.output<Schema>) => boolean; path?: string[] },
): Schema {
  const checked = schema.refine(rule.holds, { message: rule.message, ...(rule.path && { path: rule.path }) });
  return withKubernetesMeta(checked, {
    cel: [...(kubernetesMeta(schema).cel ?? []), { rule: rule.cel, message: rule.message }],
  });
}

export function withKubernetesMeta<Schema extends z.ZodType>(schema: Schema, meta: KubernetesMeta): Schema {
  return schema.meta({ k8s: { ...kubernetesMeta(schema), ...meta } });
}

export function kubernetesMeta(schema: z.ZodType): KubernetesMeta {
  return (schema.meta()?.k8s as KubernetesMeta | undefined) ?? {};
}
