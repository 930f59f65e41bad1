/** `sluice apply -f`: makes the server's resources what the files say. Files hold whole resources: what they leave out goes. */

import { defaultNamespace } from "@sluice/api";
import { Command } from "commander";
import { type AdminClient, ApiError } from "../client/admin-client.ts";
import { findKind, qualifiedName } from "../client/kinds.ts";
import type { Manifest } from "../client/manifest.ts";
import { readManifests } from "../client/read-manifests.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";

type Options = ServerOptions & { namespace?: string; filename: string[] };

export function applyCommand(): Command {
  const command = new Command("apply")
    .description("Create or change resources from files")
    .requiredOption(
      "-f, --filename <path>",
      "a file, a folder, or - for standard input; may be given again",
      collectPath,
    )
    .action(apply);
  return withServer(withNamespace(command));
}

export function collectPath(path: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), path];
}

async function apply(options: Options): Promise<void> {
  const client = clientFor(options);
  // All are read and checked before the first is sent; then one that the server refuses does not stop the others.
  for (const manifest of await readManifests(options.filename, options.namespace)) {
    const namespace = manifest.metadata.namespace ?? defaultNamespace;
    try {
      console.log(await applyOne(client, namespace, manifest));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      console.error(`${qualifiedName(findKind(manifest.kind), manifest.metadata.name)}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}

async function applyOne(client: AdminClient, namespace: string, manifest: Manifest): Promise<string> {
  const kind = findKind(manifest.kind);
  const name = qualifiedName(kind, manifest.metadata.name);
  const current = await client.find(kind, namespace, manifest.metadata.name);
  if (current === undefined) {
    await client.create(kind, namespace, manifest);
    return `${name} created`;
  }
  const written = await client.replace(kind, namespace, onTopOf(current, manifest));
  return written.metadata.resourceVersion === current.metadata.resourceVersion
    ? `${name} unchanged`
    : `${name} configured`;
}

/** What a file would make of an object: annotations that Sluice's own commands set stay (a key's prefix, say). */
export function onTopOf(current: Manifest, manifest: Manifest): Manifest {
  const ours = Object.entries(current.metadata.annotations ?? {}).filter(([name]) => name.startsWith("sluice.dev/"));
  const annotations = { ...Object.fromEntries(ours), ...manifest.metadata.annotations };
  return {
    ...manifest,
    metadata: { ...manifest.metadata, annotations, resourceVersion: current.metadata.resourceVersion },
  };
}
