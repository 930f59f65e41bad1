/** `sluice budget override`: another amount for a Budget, or for one of its accounts, for a while and without a manifest. */

import { type ActAnswer, type BudgetOverrideAct, defaultNamespace } from "@sluice/api";
import { Command } from "commander";
import { activeActs, amountText, reachText, subjectText, undoAct } from "../client/acts.ts";
import { findKind } from "../client/kinds.ts";
import type { Manifest } from "../client/manifest.ts";
import { parseUntil } from "../client/period.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";
import { CommandError } from "../command-error.ts";

type Options = ServerOptions & {
  namespace?: string;
  account: string[];
  to?: string;
  until?: string;
  reason?: string;
  undo?: boolean;
};

export function budgetCommand(): Command {
  const command = new Command("budget").description("Give a Budget another amount for a while");
  command.addCommand(overrideCommand());
  return command;
}

function overrideCommand(): Command {
  const collect = (text: string, before: string[]) => [...before, text];
  const command = new Command("override")
    .description("Let a Budget, or one of its accounts, spend more or less until a time; what was spent stays spent")
    .argument("<budget>", "its name")
    .option(
      "--account <dimension=value>",
      "of one account, as service=search; once for each member of per",
      collect,
      [],
    )
    .option("--to <amount>", "the amount, in what the Budget counts: 800 or 800.50 USD, or tokens")
    .option("--until <time>", "2h, 1d or 2026-12-01T08:00:00Z")
    .option("--reason <text>", "why, for the record")
    .option("--undo", "end such an override before its time")
    .action(override);
  return withServer(withNamespace(command));
}

async function override(name: string, options: Options): Promise<void> {
  const namespace = options.namespace ?? defaultNamespace;
  const client = clientFor(options);
  const budget = await client.get(findKind("budget"), namespace, name);
  const values = valuesOf(options.account, budget);
  if (options.undo === true) {
    const found = (await activeActs(client)).filter(
      (act) =>
        act.kind === "BudgetOverride" &&
        act.namespace === namespace &&
        act.name === name &&
        sameValues(act.values, values),
    );
    if (found.length === 0)
      throw new CommandError(`Budget ${namespace}/${name} has no such override: \`sluice override list\` shows all`);
    for (const { id } of found) {
      const answer = await undoAct(client, id, options.reason ?? "undone by sluice budget override --undo");
      console.log(`${subjectText(answer.act)} has its own amount again ${reachText(answer)}`);
    }
    return;
  }
  const { to, until, reason } = options;
  if (to === undefined || until === undefined || reason === undefined)
    throw new CommandError('say how much, until when and why: --to 800 --until 12h --reason "launch day"');
  const body: BudgetOverrideAct = {
    ...{ namespace, name, reason },
    ...(values && { values }),
    to: amountOf(to, budget),
    until: parseUntil(until, { nowMs: Date.now(), timezone: "UTC" }),
  };
  const answer = await client.call<ActAnswer>("POST", "/admin/v1/overrides/budgets", { body });
  console.log(
    `${subjectText(answer.act)} may spend ${amountText(answer.act)} until ${body.until}, ${reachText(answer)}`,
  );
}

type BudgetShape = { readonly per?: readonly string[]; readonly limit?: { readonly tokens?: number } };

/** `service=search` as the Budget writes it: `{ Service: "search" }`. */
function valuesOf(accounts: readonly string[], budget: Manifest): Record<string, string> | undefined {
  if (accounts.length === 0) return undefined;
  const { per = [] } = budget.spec as BudgetShape;
  const pairs = accounts.map((account) => {
    const [, word = "", value] = /^([^=]+)=(.*)$/s.exec(account) ?? [];
    const dimension = per.find((each) => each.toLowerCase() === word.toLowerCase());
    if (value === undefined) throw new CommandError(`--account ${JSON.stringify(account)}: write it as service=search`);
    if (dimension === undefined)
      throw new CommandError(
        `--account ${JSON.stringify(account)}: this Budget ${per.length === 0 ? "is not split into accounts" : `is split by ${per.join(", ")}`}`,
      );
    return [dimension, value] as const;
  });
  return Object.fromEntries(pairs);
}

function amountOf(text: string, budget: Manifest): BudgetOverrideAct["to"] {
  const plain = text.trim().replace(/^\$/, "").replaceAll(/[,_]/g, "");
  if ((budget.spec as BudgetShape).limit?.tokens === undefined) return { usd: plain } as BudgetOverrideAct["to"];
  if (!/^[0-9]{1,15}$/.test(plain))
    throw new CommandError(`--to ${JSON.stringify(text)}: this Budget counts tokens, write 20000000`);
  return { tokens: Number(plain) } as BudgetOverrideAct["to"];
}

function sameValues(
  one: Readonly<Record<string, string>> | undefined,
  other: Readonly<Record<string, string>> | undefined,
) {
  const [a, b] = [Object.entries(one ?? {}), other ?? {}];
  return a.length === Object.keys(b).length && a.every(([dimension, value]) => b[dimension] === value);
}
