/** `sluice delete`: by name, or all that files name. */

import { defaultNamespace } from "@sluice/api";
import { Command } from "commander";
import { ApiError } from "../client/admin-client.ts";
import { findKind, type KindName, quotedName } from "../client/kinds.ts";
import { readManifests } from "../client/read-manifests.ts";
import { parseNamedTargets } from "../client/targets.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";
import { CommandError } from "../command-error.ts";
import { collectPath } from "./apply.ts";

type Options = ServerOptions & { namespace?: string; filename: string[]; ignoreNotFound?: boolean };

export function deleteCommand(): Command {
  const command = new Command("delete")
    .description("Delete resources, by name or as files name them")
    .argument("[what...]", "KIND NAME…, or KIND/NAME…")
    .option("-f, --filename <path>", "a file, a folder, or - for standard input; may be given again", collectPath, [])
    .option("--ignore-not-found", "what is not there counts as deleted")
    .action(deleteAll);
  return withServer(withNamespace(command));
}

async function deleteAll(words: string[], options: Options): Promise<void> {
  const client = clientFor(options);
  let failed = false;
  for (const { kind, namespace, name } of await targetsOf(words, options)) {
    try {
      await client.delete(kind, namespace, name);
      console.log(`${quotedName(kind, name)} deleted from ${namespace} namespace`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.reason === "NotFound" && options.ignoreNotFound === true) continue;
      console.error(error.message);
      failed = true;
    }
  }
  if (failed) process.exitCode = 1;
}

async function targetsOf(
  words: readonly string[],
  options: Options,
): Promise<{ kind: KindName; namespace: string; name: string }[]> {
  if (words.length > 0 === options.filename.length > 0)
    throw new CommandError("say what to delete: `sluice delete route NAME`, or `sluice delete -f FILE`");
  if (words.length > 0)
    return parseNamedTargets("delete", words).map((target) => ({
      ...target,
      namespace: options.namespace ?? defaultNamespace,
    }));
  const manifests = await readManifests(options.filename, options.namespace);
  // The other way round than they were made, so that nothing points at what is gone already.
  return manifests.toReversed().map(({ kind, metadata }) => ({
    kind: findKind(kind),
    namespace: metadata.namespace ?? defaultNamespace,
    name: metadata.name,
  }));
}
