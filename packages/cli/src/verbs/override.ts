/** `sluice override`: all that somebody has stopped or changed by hand and that is in force, in one view; and how to end it. */

import type { ActView } from "@sluice/api";
import { Command, Option } from "commander";
import { activeActs, amountText, reachText, subjectText, undoAct } from "../client/acts.ts";
import { clientFor, type ServerOptions, withServer } from "../client-options.ts";
import { CommandError } from "../command-error.ts";
import { columns } from "../output/columns.ts";
import { printable } from "../output/printable.ts";

export function overrideCommand(): Command {
  const command = new Command("override").description("Show or end what was stopped or changed by hand");
  command.addCommand(listCommand());
  command.addCommand(clearCommand());
  return command;
}

function listCommand(): Command {
  const form = new Option("-o, --output <form>", "how to show it").choices(["table", "json"]).default("table");
  const command = new Command("list")
    .description("Show all that is in force beside the resources")
    .addOption(form)
    .action(list);
  return withServer(command);
}

async function list(options: ServerOptions & { output: "table" | "json" }): Promise<void> {
  const acts = await activeActs(clientFor(options));
  if (options.output === "json") return console.log(JSON.stringify({ items: acts }, null, 4));
  if (acts.length === 0) return console.error("Nothing is stopped or changed by hand.");
  console.log(columns(["Id", "What", "To", "Until", "By", "Reason"], acts.map(cells)));
}

function cells(act: ActView): string[] {
  return [act.id, subjectText(act), amountText(act), act.until ?? "<undone>", printable(act.by), printable(act.reason)];
}

function clearCommand(): Command {
  const command = new Command("clear")
    .description("End acts by their id, as `sluice override list` shows it")
    .argument("[id...]", "their ids")
    .option("--all", "every one that is in force")
    .option("--reason <text>", "why, for the record", "cleared by sluice override clear")
    .action(clear);
  return withServer(command);
}

async function clear(ids: string[], options: ServerOptions & { all?: boolean; reason: string }): Promise<void> {
  const client = clientFor(options);
  if (ids.length > 0 === (options.all === true))
    throw new CommandError("say which: `sluice override clear ID`, or `sluice override clear --all`");
  const ended = options.all === true ? (await activeActs(client)).map(({ id }) => id) : ids;
  if (ended.length === 0) console.error("Nothing is stopped or changed by hand.");
  for (const id of ended) {
    const answer = await undoAct(client, id, options.reason);
    console.log(`${subjectText(answer.act)}: ended ${reachText(answer)}`);
  }
}
