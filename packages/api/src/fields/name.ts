/** Names of objects, namespaces, Secrets and their keys: Kubernetes' own rules, so that a resource means the same everywhere. */

import { z } from "zod";

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Name of an object: a DNS subdomain. */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(subdomain, "must be lower-case letters, digits, '-' and '.', and begin and end with a letter or digit");

/** Name of a namespace or of a member of a list: a DNS label. */
export const labelName = z
  .string()
  .min(1)
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    "must be lower-case letters, digits and '-', and begin and end with a letter or digit",
  );

/** A host name without port, lower case. */
export const hostName = z
  .string()
  .min(1)
  .max(253)
  .regex(subdomain, "must be a host name in lower case, without port or wildcard");

/** Key inside a Secret. Neither end may be a dot: it is also a file's name and a key on the bus. */
export const secretKeyName = z
  .string()
  .min(1)
  .max(253)
  .regex(
    /^[A-Za-z0-9_-]([-._A-Za-z0-9]*[A-Za-z0-9_-])?$/,
    "must be letters, digits, '-', '_' and '.', neither starting nor ending with a dot",
  );
