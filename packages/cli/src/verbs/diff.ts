/** `sluice diff -f`: what `apply` would change, as a unified diff. Exit 0: nothing, 1: something, above: it could not tell. */

import { defaultNamespace } from "@sluice/api";
import { Command } from "commander";
import { findKind } from "../client/kinds.ts";
import type { Manifest } from "../client/manifest.ts";
import { readManifests } from "../client/read-manifests.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";
import { CommandError } from "../command-error.ts";
import { yamlText } from "../output/objects.ts";
import { collectPath, onTopOf } from "./apply.ts";

type Options = ServerOptions & { namespace?: string; filename: string[] };

export function diffCommand(): Command {
  const command = new Command("diff")
    .description("Show what apply would change")
    .requiredOption(
      "-f, --filename <path>",
      "a file, a folder, or - for standard input; may be given again",
      collectPath,
    )
    .action(diff);
  return withServer(withNamespace(command));
}

async function diff(options: Options): Promise<void> {
  try {
    if (await printDifferences(options)) process.exitCode = 1;
  } catch (error) {
    // 1 means "differs", so a failure needs another number.
    if (error instanceof CommandError) throw new CommandError(error.message, { exitCode: 2, cause: error });
    throw error;
  }
}

async function printDifferences(options: Options): Promise<boolean> {
  const { createTwoFilesPatch } = await import("diff");
  const client = clientFor(options);
  let differs = false;
  for (const manifest of await readManifests(options.filename, options.namespace)) {
    const kind = findKind(manifest.kind);
    const namespace = manifest.metadata.namespace ?? defaultNamespace;
    const current = await client.find(kind, namespace, manifest.metadata.name);
    const [before, after] = [
      current === undefined ? "" : await comparable(current, namespace),
      await comparable(current === undefined ? manifest : onTopOf(current, manifest), namespace),
    ];
    if (before === after) continue;
    differs = true;
    const name = `${kind.plural}.${namespace}.${manifest.metadata.name}`;
    const patch = createTwoFilesPatch(`live/${name}`, `file/${name}`, before, after, "", "", { context: 3 });
    console.log(
      patch
        .replace(/^=+\n/, "")
        .replaceAll(/^(---|\+\+\+) (.*)\t$/gm, "$1 $2")
        .trimEnd(),
    );
  }
  return differs;
}

/** Only what a file can say: no status, version or times. Keys in one order, so that order is never a difference. */
async function comparable(manifest: Manifest, namespace: string): Promise<string> {
  const { name, labels, annotations } = manifest.metadata;
  const { apiVersion, kind, spec } = manifest;
  const metadata = { name, namespace, labels: present(labels), annotations: present(annotations) };
  return `${await yamlText(sorted({ apiVersion, kind, metadata, spec }))}\n`;
}

function present(map: Readonly<Record<string, string>> | undefined) {
  return map === undefined || Object.keys(map).length === 0 ? undefined : map;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, sorted(member)]),
  );
}
