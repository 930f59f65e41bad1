/** The schema of a kind's whole object, for the OpenAPI document that kubectl asks the admin API for. */

import type { Kind } from "../kinds.ts";
import { findKind } from "../kinds.ts";
import { crd, type crd as crdOf } from "./crds.ts";

export type ObjectSchema = ReturnType<typeof crdOf>["spec"]["versions"][number]["schema"]["openAPIV3Schema"];

export function objectSchema(kind: Kind): ObjectSchema | undefined {
  const definition = findKind(kind);
  return definition && crd(definition).spec.versions[0]?.schema.openAPIV3Schema;
}
