/** A stored resource as Kubernetes clients see it. */

import { apiVersion } from "@sluice/api";
import { rfc3339 } from "../store/pending-status.ts";
import type { StoredResource } from "../store/store.ts";

export type ApiObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation: number;
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: unknown;
  readonly status: unknown;
};

export function apiObject(resource: StoredResource): ApiObject {
  const { kind, name, namespace, uid, generation, labels, annotations, spec, status } = resource;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion: String(resource.resourceVersion),
      generation,
      creationTimestamp: rfc3339(resource.createdAtMs),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec,
    status,
  };
}
