/** Resources that the composition brings: read like any file, which also fills in the defaults. */

import assert from "node:assert/strict";
import { apiVersion, parseResource, problemText } from "@sluice/api";
import type { BuiltInResource } from "./folder.ts";

/** One that is not valid is a mistake of the composition. */
export function checkedBuiltIn(resource: BuiltInResource): BuiltInResource {
  const { kind, namespace, name, labels = {}, annotations = {}, spec } = resource;
  const metadata = { namespace, name, labels, annotations };
  const parsed = parseResource({ apiVersion, kind, metadata, spec });
  assert(parsed.problems === undefined, `built-in ${kind} ${name}: ${parsed.problems?.map(problemText).join("; ")}`);
  return { kind, ...metadata, spec: parsed.resource.spec };
}
