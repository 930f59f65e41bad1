#!/usr/bin/env node
/** The `sluice` command: its verbs, each loaded only when it is the one that was asked for, and how failures leave. */

import { Command, CommanderError } from "commander";
import { CommandError } from "./command-error.ts";
import { version } from "./version.ts";

/** In the order that `--help` shows. */
const verbs: Record<string, () => Promise<Command>> = {
  up: async () => (await import("./verbs/up.ts")).upCommand(),
  status: async () => (await import("./verbs/status.ts")).statusCommand(),
  apply: async () => (await import("./verbs/apply.ts")).applyCommand(),
  get: async () => (await import("./verbs/get.ts")).getCommand(),
  describe: async () => (await import("./verbs/describe.ts")).describeCommand(),
  delete: async () => (await import("./verbs/delete.ts")).deleteCommand(),
  diff: async () => (await import("./verbs/diff.ts")).diffCommand(),
  keys: async () => (await import("./verbs/keys.ts")).keysCommand(),
  spend: async () => (await import("./verbs/spend.ts")).spendCommand(),
  usage: async () => (await import("./verbs/usage.ts")).usageCommand(),
  stop: async () => (await import("./verbs/stop.ts")).stopCommand(),
  budget: async () => (await import("./verbs/budget.ts")).budgetCommand(),
  override: async () => (await import("./verbs/override.ts")).overrideCommand(),
};

process.exitCode = await run(process.argv.slice(2));

async function run(words: string[]): Promise<number | undefined> {
  const program = new Command("sluice")
    .description("An AI gateway: one base URL for every model, with virtual keys, hard limits and records that add up")
    .version(version, "-v, --version")
    .showSuggestionAfterError()
    .showHelpAfterError("(--help tells more)")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "sluice: ")) });
  for (const load of verbsFor(words[0])) program.addCommand(inherit(await load(), program));
  program.exitOverride();
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (!(error instanceof CommandError)) throw error;
    // The API's own sentences begin as kubectl prints them.
    process.stderr.write(error.message.startsWith("Error from") ? `${error.message}\n` : `sluice: ${error.message}\n`);
    return error.exitCode;
  }
  return Number(process.exitCode ?? 0);
}

/** Help, and a verb with a typo, need them all. */
function verbsFor(word: string | undefined): (() => Promise<Command>)[] {
  if (word === "--version" || word === "-v") return [];
  const asked = verbs[word ?? ""];
  return asked === undefined ? Object.values(verbs) : [asked];
}

/** `addCommand` leaves a command its own ways of failing; all verbs fail as the program does. */
function inherit(command: Command, from: Command): Command {
  command.copyInheritedSettings(from).exitOverride();
  for (const inner of command.commands) inherit(inner, from);
  return command;
}
