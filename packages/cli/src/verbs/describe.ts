/** `sluice describe`: one object for a reader: what it asks for, whether it works, and why not. */

import { defaultNamespace } from "@sluice/api";
import { Command } from "commander";
import type { Manifest } from "../client/manifest.ts";
import { parseNamedTargets } from "../client/targets.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";
import { columns } from "../output/columns.ts";
import { yamlText } from "../output/objects.ts";

export function describeCommand(): Command {
  const command = new Command("describe")
    .description("Show a resource with its conditions, for a reader")
    .argument("<what...>", "KIND NAME…, or KIND/NAME…")
    .action(describe);
  return withServer(withNamespace(command));
}

async function describe(words: string[], options: ServerOptions & { namespace?: string }): Promise<void> {
  const client = clientFor(options);
  const parts: string[] = [];
  for (const { kind, name } of parseNamedTargets("describe", words))
    parts.push(await description(await client.get(kind, options.namespace ?? defaultNamespace, name)));
  console.log(parts.join("\n\n"));
}

async function description(object: Manifest): Promise<string> {
  const { metadata, status } = object;
  const { conditions = [], ...columnsOfStatus } = status ?? {};
  const head = [
    ["Name:", metadata.name],
    ["Namespace:", metadata.namespace ?? ""],
    ["Kind:", `${object.kind} (${object.apiVersion})`],
    ["Created:", String(metadata.creationTimestamp ?? "<unknown>")],
    ["Labels:", pairs(metadata.labels)],
    ["Annotations:", pairs(metadata.annotations)],
  ].map(([title = "", value = ""]) => title.padEnd(14) + value);
  const rest = Object.keys(columnsOfStatus).length === 0 ? [] : ["Status:", indent(await yamlText(columnsOfStatus))];
  const table = columns(
    ["Type", "Status", "Reason", "Message"],
    conditions.map(({ type, status: state, reason, message }) => [type, state, reason, message]),
  );
  return [...head, "Spec:", indent(await yamlText(object.spec)), ...rest, "Conditions:", indent(table)].join("\n");
}

function pairs(map: Readonly<Record<string, string>> | undefined): string {
  const all = Object.entries(map ?? {}).map(([name, value]) => `${name}=${value}`);
  return all.length === 0 ? "<none>" : all.join(`\n${" ".repeat(14)}`);
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}
