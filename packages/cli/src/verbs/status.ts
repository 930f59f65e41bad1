/** `sluice status`: what runs, which revision serves where, and what needs a look. Exit 1 when something does. */

import { Command, Option } from "commander";
import { clientFor, type ServerOptions, withServer } from "../client-options.ts";
import { parseFormat } from "../output/format.ts";

export function statusCommand(): Command {
  const command = new Command("status")
    .description("Show what runs and what needs a look")
    .addOption(new Option("-o, --output <form>", "table, json or yaml").argParser(parseFormat).default("table"))
    .action(status);
  return withServer(command);
}

async function status(options: ServerOptions & { output: string }): Promise<void> {
  const answer = await clientFor(options).call("GET", "/admin/v1/status");
  console.log(JSON.stringify(answer, null, 2));
}
