/** What the status of each kind says beside its conditions; the fields are those of the kind's schema in `@sluice/api`. */

import { keyPrefixAnnotation } from "@sluice/api";
import type { Acknowledgement } from "@sluice/contract";
import type { Revision, StoredResource } from "../store/store.ts";

export type StatusFacts = {
  readonly revision: Revision | undefined;
  readonly instances: readonly Acknowledgement[];
  /** Where the data planes are reached, when the composition knows. */
  readonly dataPlaneUrl: string | undefined;
};

export function kindStatus(resource: StoredResource, facts: StatusFacts): Record<string, unknown> {
  switch (resource.kind) {
    case "Gateway":
      return gatewayStatus(resource, facts);
    case "Provider":
      return providerStatus(resource, facts);
    case "VirtualKey":
      return { prefix: resource.annotations[keyPrefixAnnotation] };
    default:
      return {};
  }
}

function gatewayStatus(resource: StoredResource, facts: StatusFacts): Record<string, unknown> {
  const { revision, instances, dataPlaneUrl } = facts;
  const plan = revision?.snapshot.gateways.find(({ id }) => id === `${resource.namespace}/${resource.name}`);
  if (revision === undefined || plan === undefined) return {};
  const desired = instances.length;
  const current = instances.filter((instance) => instance.revision === revision.revision).length;
  const rejected = instances.filter((instance) => instance.rejected?.revision === revision.revision).length;
  return {
    ...(dataPlaneUrl === undefined ? {} : { url: `${dataPlaneUrl}${plan.basePath}` }),
    revision: revision.revision,
    digest: revision.digest,
    dataPlanes: { desired, current, rejected, summary: `${current}/${desired}` },
  };
}

function providerStatus(resource: StoredResource, { revision }: StatusFacts): Record<string, unknown> {
  const plan = revision?.snapshot.providers.find(({ id }) => id === `${resource.namespace}/${resource.name}`);
  if (plan === undefined) return {};
  return {
    ...(plan.models && { models: plan.models.length }),
    pricedModels: plan.catalog.filter(({ price }) => price !== undefined).length,
  };
}
