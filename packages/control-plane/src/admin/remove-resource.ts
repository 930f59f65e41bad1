/**
 * Delete. Its options stand in the body (`DeleteOptions`) or in the query: kubectl sends `--dry-run=server` in the body alone,
 * so that one overlooked there would delete what was only to be looked at.
 */

import { apiGroup, deleteOptions } from "@sluice/api";
import { parseJson, readText } from "./request-body.ts";
import {
  type Answer,
  asksDryRun,
  type Call,
  type HandlerPorts,
  named,
  ok,
  own,
  present,
  refOf,
  storedOf,
} from "./resource-handlers.ts";
import { conflict, ownedElsewhere, StatusError } from "./status-error.ts";

export async function remove({ request, query, place }: Call, { store }: HandlerPorts): Promise<Answer> {
  const text = await readText(request);
  const parsed = deleteOptions.safeParse(text.trim() === "" ? {} : parseJson(text));
  if (!parsed.success)
    throw new StatusError("BadRequest", "The body must be DeleteOptions of meta.k8s.io/v1, or empty");
  const { dryRun, preconditions } = parsed.data;
  const stages = [...query.getAll("dryRun"), ...(dryRun ?? [])].filter((stage) => stage !== "");

  const current = await present(place, store);
  const { uid, resourceVersion } = preconditions ?? {};
  if (uid && uid !== current.uid) throw conflict(named(place));
  if (resourceVersion && resourceVersion !== String(current.resourceVersion)) throw conflict(named(place));

  if (asksDryRun(stages)) {
    if (current.origin.kind !== own.kind) throw ownedElsewhere(named(place), current.origin);
  } else {
    const expected = resourceVersion ? current.resourceVersion : undefined;
    storedOf(await store.deleteResource(refOf(place), own, expected), place);
  }
  const details = { name: current.name, group: apiGroup, kind: place.definition.plural, uid: current.uid };
  return ok({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}
