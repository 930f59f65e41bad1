/** Fields that cannot change after an object is made: what depends on them would change its meaning without a word. */

import type { z } from "zod";
import { kubernetesMeta, withKubernetesMeta } from "./rule.ts";

const immutableCel = "self == oldSelf";

/** Marks a field; the API server enforces it by CEL, the admin API by `immutableFields`. */
export function immutable<Schema extends z.ZodType>(schema: Schema): Schema {
  const message = "cannot be changed: delete the object and make it again, or make another one beside it";
  return withKubernetesMeta(schema, { cel: [...(kubernetesMeta(schema).cel ?? []), { rule: immutableCel, message }] });
}

/** The fields of a spec that are marked, with the message that a change of one gets. */
export function immutableFields(spec: z.ZodObject): { field: string; message: string }[] {
  return Object.entries(spec.shape).flatMap(([field, schema]) =>
    (kubernetesMeta(schema as z.ZodType).cel ?? [])
      .filter((rule) => rule.rule === immutableCel)
      .map(({ message }) => ({ field, message })),
  );
}
