/** `sluice describe`: one object for a reader: what it asks for, whether it works, why not, and what happened to it. */

import { defaultNamespace } from "@sluice/api";
import { Command } from "commander";
import type { AdminClient } from "../client/admin-client.ts";
import type { KindName } from "../client/kinds.ts";
import type { Manifest } from "../client/manifest.ts";
import { parseNamedTargets } from "../client/targets.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";
import { columns } from "../output/columns.ts";
import { yamlText } from "../output/objects.ts";
import { printable } from "../output/printable.ts";

const eventsMax = 20;

type ResourceEvent = {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly at: string;
};

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
    parts.push(await describeOne(client, { kind, namespace: options.namespace ?? defaultNamespace, name }));
  console.log(parts.join("\n\n"));
}

async function describeOne(
  client: AdminClient,
  { kind, namespace, name }: { kind: KindName; namespace: string; name: string },
): Promise<string> {
  const object = await client.get(kind, namespace, name);
  const query = new URLSearchParams({ kind: kind.kind, namespace, name, limit: String(eventsMax) });
  const { items } = await client.call<{ items: ResourceEvent[] }>("GET", `/admin/v1/events?${query}`);
  const events = columns(
    ["Type", "Reason", "At", "Message"],
    items.map(({ type, reason, at, message }) => [type, reason, at, printable(message)]),
  );
  return `${await description(object)}\nEvents:${items.length === 0 ? " <none>" : `\n${indent(events)}`}`;
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
