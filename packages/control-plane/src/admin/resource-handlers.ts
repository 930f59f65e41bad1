/** Get, list, create, update and patch, as the Kubernetes API does them for custom resources. */

import {
  apiGroup,
  apiVersion,
  changeProblems,
  type Kind,
  type Problem,
  parseResource,
  type Resource,
  type ResourceDefinition,
} from "@sluice/api";
import type {
  Origin,
  ResourceRef,
  ResourceWrite,
  Store,
  StoredResource,
  WriteRefusal,
  Written,
} from "../store/store.ts";
import { type ApiObject, apiObject } from "./api-object.ts";
import { jsonPatch, mergePatch } from "./patch.ts";
import { mediaType, parseJson, readObject, readText } from "./request-body.ts";
import { selectorOf } from "./selectors.ts";
import { alreadyExists, conflict, invalid, type Named, notFound, ownedElsewhere, StatusError } from "./status-error.ts";
import { rowObjectOf, table, wantsTable } from "./table.ts";

/** What a path says: the kind, and the object or collection in it. */
export type Place = {
  readonly definition: ResourceDefinition<Kind>;
  readonly namespace?: string;
  readonly name?: string;
};
export type Call = { readonly request: Request; readonly query: URLSearchParams; readonly place: Place };
export type Answer = { readonly code: number; readonly body: unknown };
export type HandlerPorts = { readonly store: Store; readonly nowMs: () => number };

export const own: Origin = { kind: "API" };

export async function list({ request, query, place }: Call, { store, nowMs }: HandlerPorts): Promise<Answer> {
  const { kind } = place.definition;
  const selects = selectorOf({
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
  });
  const { resources, resourceVersion: version } = await store.listResources(filterOf(place));
  const objects = resources.filter(selects).map(apiObject);
  const resourceVersion = String(version);
  if (wantsTable(request.headers.get("accept") ?? ""))
    return ok(
      table(kind, objects, { nowMs: nowMs(), resourceVersion, withColumns: true, rowObject: rowObjectOf(query) }),
    );
  return ok({ apiVersion, kind: `${kind}List`, metadata: { resourceVersion }, items: objects });
}

export async function get({ request, query, place }: Call, { store, nowMs }: HandlerPorts): Promise<Answer> {
  const object = apiObject(await present(place, store));
  if (wantsTable(request.headers.get("accept") ?? ""))
    return ok(
      table(place.definition.kind, [object], { nowMs: nowMs(), withColumns: true, rowObject: rowObjectOf(query) }),
    );
  return ok(object);
}

export async function create({ request, query, place }: Call, { store }: HandlerPorts): Promise<Answer> {
  const resource = read(await readObject(request), place);
  const at = { ...place, name: resource.metadata.name };
  const write = writeOf(resource);
  if (isDryRun(query)) {
    if ((await store.getResource(refOf(at))) !== undefined) throw alreadyExists(named(at));
    const { kind, metadata, spec } = resource;
    return { code: 201, body: { apiVersion, kind, metadata, spec } };
  }
  const written = await store.createResource(write);
  return { code: 201, body: apiObject(storedOf(written, at)) };
}

export async function update({ request, query, place }: Call, { store }: HandlerPorts): Promise<Answer> {
  const body = await readObject(request);
  return replace({ query, place, body, current: await present(place, store), expected: versionIn(body) }, store);
}

export async function patch({ request, query, place }: Call, { store }: HandlerPorts): Promise<Answer> {
  const apply = patchOf(mediaType(request));
  const asked = parseJson(await readText(request));
  // Between reading and writing somebody else may write: the patch is then made again on what they wrote.
  for (let attempt = 1; ; attempt++) {
    const current = await present(place, store);
    const before = withoutStatus(apiObject(current));
    const body = apply(before, asked);
    const expected = versionIn(body) ?? current.resourceVersion;
    const mayRetry = attempt < 5 && versionIn(body) === current.resourceVersion;
    try {
      return await replace({ query, place, body, current, expected }, store);
    } catch (error) {
      if (!(error instanceof StatusError && error.reason === "Conflict" && mayRetry)) throw error;
      if ((await store.getResource(refOf(place)))?.resourceVersion === current.resourceVersion) throw error;
    }
  }
}

type Replacement = {
  query: URLSearchParams;
  place: Place;
  body: unknown;
  current: StoredResource;
  expected: bigint | undefined;
};

async function replace({ query, place, body, current, expected }: Replacement, store: Store): Promise<Answer> {
  const resource = read(body, place);
  const problems = changeProblems(resourceOf(current), resource);
  if (problems.length > 0) throw invalid(named(place), problems);
  if (isDryRun(query)) {
    if (expected !== undefined && expected !== current.resourceVersion) throw conflict(named(place));
    // As the store has it: what is built in gives way.
    if (current.origin.kind === "Folder") throw ownedElsewhere(named(place), current.origin);
    return ok(apiObject({ ...current, ...writeOf(resource) }));
  }
  return ok(apiObject(storedOf(await store.updateResource(writeOf(resource), expected), place)));
}

type Patch = (before: unknown, patch: unknown) => unknown;

function patchOf(type: string): Patch {
  switch (type) {
    case "application/merge-patch+json":
      return mergePatch;
    case "application/json-patch+json":
      return jsonPatch;
    case "application/apply-patch+yaml":
      throw new StatusError("UnsupportedMediaType", "Server-side apply is not served here: leave out --server-side");
    default:
      throw new StatusError(
        "UnsupportedMediaType",
        `Patches of type ${type.slice(0, 100)} are not served: send application/merge-patch+json or application/json-patch+json`,
      );
  }
}

/** Checks what is written: its kind and place are those of the path, and all of its fields are right. */
function read(value: unknown, place: Place): Resource {
  const { definition, namespace, name } = place;
  const given = value as { kind?: unknown; metadata?: { name?: unknown; namespace?: unknown } } | null;
  const metadata = typeof given?.metadata === "object" && given.metadata !== null ? given.metadata : {};
  const placed = { ...(given ?? {}), metadata: { ...metadata, namespace: metadata.namespace ?? namespace } };
  const parsed = parseResource(placed);
  const found = typeof metadata.name === "string" ? metadata.name : (name ?? "");
  if (parsed.problems !== undefined) throw refusalOf(parsed.problems, { ...place, name: found });
  const { resource } = parsed;
  const mismatch = (what: string, here: string, there: string) =>
    new StatusError("BadRequest", `the ${what} of the object (${here}) does not match that of the URL (${there})`);
  if (resource.kind !== definition.kind) throw mismatch("kind", resource.kind, definition.kind);
  if (namespace !== undefined && resource.metadata.namespace !== namespace)
    throw mismatch("namespace", resource.metadata.namespace, namespace);
  if (name !== undefined && resource.metadata.name !== name) throw mismatch("name", resource.metadata.name, name);
  return resource;
}

function refusalOf(problems: readonly Problem[], place: Place): StatusError {
  return invalid(named(place), problems);
}

export function storedOf(result: Written | WriteRefusal, place: Place): StoredResource {
  switch (result.kind) {
    case "written":
      return result.resource;
    case "exists":
      throw alreadyExists(named(place));
    case "missing":
      throw notFound(named(place));
    case "conflict":
      throw conflict(named(place));
    case "owned":
      throw ownedElsewhere(named(place), result.owner);
  }
}

export async function present(place: Place, store: Store): Promise<StoredResource> {
  const resource = await store.getResource(refOf(place));
  if (resource === undefined) throw notFound(named(place));
  return resource;
}

export function filterOf({ definition, namespace }: Place): { kind: string; namespace?: string } {
  return { kind: definition.kind, ...(namespace !== undefined && { namespace }) };
}

export function refOf({ definition, namespace = "", name = "" }: Place): ResourceRef {
  return { kind: definition.kind, namespace, name };
}

export function named({ definition, name = "" }: Place): Named {
  return { group: apiGroup, plural: definition.plural, name };
}

function writeOf({ kind, metadata, spec }: Resource): ResourceWrite {
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  return { kind, namespace, name, labels, annotations, spec, origin: own };
}

function resourceOf({ kind, namespace, name, spec }: StoredResource): Resource {
  return { apiVersion, kind, metadata: { namespace, name }, spec } as Resource;
}

function withoutStatus({ status: _status, ...object }: ApiObject) {
  return object;
}

/** The version that a writer has read, where the object tells it. */
function versionIn(object: unknown): bigint | undefined {
  const version = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata?.resourceVersion;
  if (version === undefined || version === "") return undefined;
  if (typeof version === "string" && /^[0-9]{1,18}$/.test(version)) return BigInt(version);
  throw new StatusError("BadRequest", "metadata.resourceVersion must be one that this API has told");
}

function isDryRun(query: URLSearchParams): boolean {
  return asksDryRun(query.getAll("dryRun").filter((value) => value !== ""));
}

/** `All` is the only stage that Kubernetes knows. What is half understood must not write. */
export function asksDryRun(stages: readonly unknown[]): boolean {
  if (stages.some((stage) => stage !== "All")) throw new StatusError("BadRequest", "dryRun must be All");
  return stages.length > 0;
}

export function ok(body: unknown): Answer {
  return { code: 200, body };
}
