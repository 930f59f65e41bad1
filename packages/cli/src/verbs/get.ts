/** `sluice get`: one object, some, or all of some kinds. */

import { defaultNamespace } from "@sluice/api";
import { Command, Option } from "commander";
import type { AdminClient, Table } from "../client/admin-client.ts";
import { qualifiedName } from "../client/kinds.ts";
import type { Manifest } from "../client/manifest.ts";
import { parseTargets, type Target } from "../client/targets.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";
import { CommandError } from "../command-error.ts";
import { type Format, parseFormat } from "../output/format.ts";
import { objectsText } from "../output/objects.ts";
import { tableText } from "../output/print-table.ts";

export type GetOptions = ServerOptions & { namespace?: string; allNamespaces?: boolean; output: Format };

export function getCommand(): Command {
  const command = new Command("get")
    .description("Show resources: routes, srt, route/chat, gateways,providers, all")
    .argument("<what...>", "KIND, KIND NAME…, or KIND/NAME…")
    .action(get);
  return withGetOptions(command);
}

export function withGetOptions(command: Command): Command {
  const form = new Option("-o, --output <form>", "table, wide, json, yaml or name");
  command.option("-A, --all-namespaces", "of every namespace").addOption(form.argParser(parseFormat).default("table"));
  return withServer(withNamespace(command));
}

export async function get(words: readonly string[], options: GetOptions): Promise<void> {
  const targets = parseTargets(words);
  const everywhere = options.allNamespaces === true;
  if (everywhere && targets.some(({ name }) => name !== undefined))
    throw new CommandError("a name belongs to one namespace: leave out -A, or name the namespace with -n");
  const namespace = everywhere ? undefined : (options.namespace ?? defaultNamespace);
  const client = clientFor(options);

  const text =
    options.output === "table" || options.output === "wide"
      ? await tables(client, targets, { namespace, wide: options.output === "wide" })
      : await objects(client, targets, { namespace, format: options.output });
  if (text !== "") console.log(text);
  else console.error(namespace === undefined ? "No resources found" : `No resources found in ${namespace} namespace.`);
}

async function tables(
  client: AdminClient,
  targets: readonly Target[],
  how: { namespace: string | undefined; wide: boolean },
): Promise<string> {
  const byKind = new Map<Target["kind"], Table[]>();
  for (const { kind, name } of targets) {
    const table =
      name === undefined
        ? await client.listTable(kind, how.namespace)
        : await client.getTable(kind, how.namespace ?? defaultNamespace, name);
    byKind.set(kind, [...(byKind.get(kind) ?? []), table]);
  }
  const several = byKind.size > 1;
  return [...byKind]
    .filter(([, found]) => found.some(({ rows }) => rows.length > 0))
    .map(([kind, found]) =>
      tableText(found, {
        wide: how.wide,
        withNamespace: how.namespace === undefined,
        prefix: several ? qualifiedName(kind, "") : "",
      }),
    )
    .join("\n\n");
}

async function objects(
  client: AdminClient,
  targets: readonly Target[],
  how: { namespace: string | undefined; format: "json" | "yaml" | "name" },
): Promise<string> {
  const found: { target: Target; object: Manifest }[] = [];
  for (const target of targets) {
    const { kind, name } = target;
    const some =
      name === undefined
        ? await client.list(kind, how.namespace)
        : [await client.get(kind, how.namespace ?? defaultNamespace, name)];
    found.push(...some.map((object) => ({ target, object })));
  }
  if (how.format === "name")
    return found.map(({ target, object }) => qualifiedName(target.kind, object.metadata.name)).join("\n");
  const single = targets.length === 1 && targets[0]?.name !== undefined;
  const all = found.map(({ object }) => object);
  return objectsText(all, { format: how.format, single });
}
