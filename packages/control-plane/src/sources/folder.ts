/**
 * Brings the record in line with a folder of YAML files and with the built-in resources. Level-based: it compares what
 * should be with what is. What it can't be sure of it leaves alone: the resources of a file that does not parse, all of
 * them when the folder is not there, and whatever another source owns.
 */

import { apiVersion, changeProblems, type Resource } from "@sluice/api";
import type {
  Origin,
  ResourceRef,
  ResourceWrite,
  Store,
  StoredResource,
  WriteRefusal,
  Written,
} from "../store/store.ts";
import { fileProblem, type ResourceFile, type ResourceFiles, type SourceProblem } from "./resource-files.ts";

export type BuiltInResource = ResourceRef & {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: unknown;
};

export type FolderPorts = {
  readonly store: Store;
  /** Absent: there is no folder, and what one once brought stays. */
  readonly files: ResourceFiles | undefined;
  readonly builtIn: readonly BuiltInResource[];
};

type Wanted = Map<string, ResourceWrite>;

/** Answers what is wrong with the files, by place. */
export async function syncFolder(ports: FolderPorts): Promise<SourceProblem[]> {
  const { store, files, builtIn } = ports;
  const stored = new Map((await store.listResources()).resources.map((resource) => [keyOf(resource), resource]));
  const problems: SourceProblem[] = [];
  const wanted: Wanted = new Map();

  const read = files === undefined ? [] : await files.readAll();
  if ("message" in read) problems.push(read);
  else if (files !== undefined) {
    collect(read, stored, wanted, problems);
    const unsure = new Set(read.filter((file) => file.problems.length > 0).map(({ file }) => file));
    await removeVanished(store, stored, (resource) => {
      if (resource.origin.kind !== "Folder" || wanted.has(keyOf(resource))) return false;
      return !unsure.has(resource.origin.file);
    });
  }
  for (const write of wanted.values()) await put(store, write, stored, problems);

  const builtInKeys = new Set(builtIn.map(keyOf));
  await removeVanished(
    store,
    stored,
    ({ origin, ...ref }) => origin.kind === "BuiltIn" && !builtInKeys.has(keyOf(ref)),
  );
  for (const resource of builtIn) {
    const owner = stored.get(keyOf(resource))?.origin.kind ?? "BuiltIn";
    if (owner !== "BuiltIn" || wanted.has(keyOf(resource))) continue;
    await put(store, { labels: {}, annotations: {}, ...resource, origin: { kind: "BuiltIn" } }, stored, problems);
  }
  return problems;
}

function collect(
  files: readonly ResourceFile[],
  stored: ReadonlyMap<string, StoredResource>,
  wanted: Wanted,
  problems: SourceProblem[],
): void {
  for (const { file, resources, problems: own } of files) {
    problems.push(...own);
    for (const resource of resources) {
      const write = writeOf(resource, file);
      const twin = wanted.get(keyOf(write));
      if (twin === undefined) {
        wanted.set(keyOf(write), write);
        continue;
      }
      const [first, second] = [fileOf(twin.origin), file];
      const stays = fileOf(stored.get(keyOf(write))?.origin) === second ? second : first;
      if (stays === second) wanted.set(keyOf(write), write);
      const where = `in ${first} and in ${second}`;
      problems.push(fileProblem(second, `${keyOf(write)} is ${where}: that of ${stays} counts, remove the other`));
    }
  }
}

async function put(
  store: Store,
  write: ResourceWrite,
  stored: Map<string, StoredResource>,
  problems: SourceProblem[],
): Promise<void> {
  const before = stored.get(keyOf(write));
  const file = fileOf(write.origin);
  if (before?.origin.kind === "Folder" && file !== undefined) {
    const forbidden = changeProblems(asResource(before), asResource(write));
    problems.push(
      ...forbidden.map((problem) => ({ ...problem, file, message: `${keyOf(write)}: ${problem.message}` })),
    );
    if (forbidden.length > 0) return;
  }
  const answer = before === undefined ? await store.createResource(write) : await store.updateResource(write);
  if (answer.kind === "written") stored.set(keyOf(write), answer.resource);
  else if (file !== undefined) problems.push(fileProblem(file, refusalOf(write, answer)));
}

/** Its spec was checked when it was read. */
function asResource({ kind, namespace, name, spec }: ResourceWrite): Resource {
  return { apiVersion, kind, metadata: { namespace, name }, spec } as Resource;
}

/** What another source made or removed in the same moment is looked at again by the next run, which that change asks for. */
function refusalOf(write: ResourceWrite, refusal: Exclude<Written | WriteRefusal, Written>): string {
  const owner = refusal.kind === "owned" ? refusal.owner : "current" in refusal ? refusal.current.origin : undefined;
  if (owner?.kind === "API")
    return `${keyOf(write)} was made by the admin API, which owns it: delete it there (sluice delete ${write.kind} ${write.name} -n ${write.namespace}), or rename this one`;
  return `${keyOf(write)} is being changed by another source just now`;
}

async function removeVanished(
  store: Store,
  stored: Map<string, StoredResource>,
  hasVanished: (resource: StoredResource) => boolean,
): Promise<void> {
  for (const [key, resource] of stored) {
    if (!hasVanished(resource)) continue;
    await store.deleteResource(resource, resource.origin);
    stored.delete(key);
  }
}

function writeOf({ kind, metadata, spec }: Resource, file: string): ResourceWrite {
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  return { kind, namespace, name, labels, annotations, spec, origin: { kind: "Folder", file } };
}

function fileOf(origin: Origin | undefined): string | undefined {
  return origin?.kind === "Folder" ? origin.file : undefined;
}

function keyOf({ kind, namespace, name }: ResourceRef): string {
  return `${kind} ${namespace}/${name}`;
}
