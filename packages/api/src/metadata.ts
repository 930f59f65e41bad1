/**
 * metadata: the part of Kubernetes' ObjectMeta that a writer sets. What a server fills in is taken off on the way in, so
 * that the output of `get -o yaml` can be applied again.
 */

import { z } from "zod";
import { labelName, objectName } from "./fields/name.ts";
import { withRule } from "./fields/rule.ts";

/** Set by servers and controllers: read over, never kept. */
export const serverFields = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "finalizers",
  "generation",
  "managedFields",
  "ownerReferences",
  "resourceVersion",
  "selfLink",
  "uid",
] as const;

export const defaultNamespace = "default";
/** Kubernetes' bound on all annotations of an object together. */
const annotationBytesMax = 256 * 1024;

const qualifiedName = z
  .string()
  .max(317)
  .regex(
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    "must be a label's name such as 'team' or 'example.com/team'",
  );
const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, "must be letters, digits, '-', '_' and '.'");

export const objectMeta = z.strictObject({
  name: objectName,
  namespace: labelName.default(defaultNamespace),
  labels: z.record(qualifiedName, labelValue).optional(),
  annotations: z
    .record(qualifiedName, z.string().max(annotationBytesMax))
    .refine((all) => JSON.stringify(all).length <= annotationBytesMax, "must not be larger than 256 KiB in all")
    .optional(),
});
export type ObjectMeta = z.output<typeof objectMeta>;

const maxEntries = 16;

/** A small map of strings that travels with every record of a call. */
export const metadataMap = withRule(
  z
    .record(
      z
        .string()
        .min(1)
        .max(63)
        .regex(/^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/, "must be letters, digits, '-', '_' and '.'"),
      z.string().max(256),
    )
    .meta({ maxProperties: maxEntries }),
  {
    cel: "self.all(k, k.size() <= 63 && k.matches('^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))",
    message: "must have at most 16 entries, with names of letters, digits, '-', '_' and '.'",
    holds: (map) => Object.keys(map).length <= maxEntries,
  },
);
