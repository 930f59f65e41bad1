/** `sluice stop`: ends the calls of a service, team, user, key, model or provider at once, until a time or until it is undone. */

import { type ActAnswer, defaultNamespace, type StopAct, type VirtualKey } from "@sluice/api";
import { Command } from "commander";
import { activeActs, reachText, undoAct } from "../client/acts.ts";
import type { AdminClient } from "../client/admin-client.ts";
import { findKind } from "../client/kinds.ts";
import { parseUntil } from "../client/period.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";
import { CommandError } from "../command-error.ts";

const dimensions = ["Team", "Service", "User", "Key", "Model", "Provider"] as const;
type Dimension = (typeof dimensions)[number];

type Target = { readonly dimension: Dimension; readonly value: string };

type Options = ServerOptions & {
  namespace?: string;
  until?: string;
  reason?: string;
  undo?: boolean;
} & { readonly [dimension in Lowercase<Dimension>]?: string };

export function stopCommand(): Command {
  const command = new Command("stop")
    .description("Stop calls at once, on every data plane; --undo lets them through again")
    .option("--service <name>", "whose calls are stopped")
    .option("--team <name>", "likewise")
    .option("--user <name>", "likewise")
    .option("--key <name>", "a VirtualKey, of the namespace of -n or as NAMESPACE/NAME")
    .option("--model <name>", "a name that callers ask for, or gpt-*")
    .option("--provider <name>", "a Provider, of the namespace of -n or as NAMESPACE/NAME")
    .option("--until <time>", "2h, 1d or 2026-12-01T08:00:00Z (default: until it is undone)")
    .option("--reason <text>", "why, for the record and for the callers who are refused")
    .option("--undo", "end such a stop before its time")
    .action(stop);
  return withServer(withNamespace(command));
}

async function stop(options: Options): Promise<void> {
  const target = targetOf(options);
  const client = clientFor(options);
  const what = `${target.dimension} ${target.value}`;
  if (options.undo === true) {
    const found = (await activeActs(client)).filter(
      (act) => act.kind === "Stop" && act.dimension === target.dimension && act.value === target.value,
    );
    if (found.length === 0) throw new CommandError(`${what} is not stopped: \`sluice override list\` shows what is`);
    for (const { id } of found) {
      const answer = await undoAct(client, id, options.reason ?? "undone by sluice stop --undo");
      console.log(`${what} is let through again ${reachText(answer)}`);
    }
    return;
  }
  if (options.reason === undefined) throw new CommandError('say why, for the record: --reason "runaway batch job"');
  const now = { nowMs: Date.now(), timezone: "UTC" };
  const until = options.until === undefined ? undefined : parseUntil(options.until, now);
  const body: StopAct = { ...target, reason: options.reason, ...(until && { until }) };
  const answer = await client.call<ActAnswer>("POST", "/admin/v1/stops", { body });
  console.log(
    `${what} is stopped ${reachText(answer)}, ${until === undefined ? "until it is undone" : `until ${until}`}`,
  );
  if (answer.acknowledged < answer.desired) process.exitCode = 1;
  if (!(await isOfSomeKey(client, target)))
    console.error(
      `No VirtualKey is of ${what}, so this stops no call yet: \`sluice keys list -A\` shows how they are spelled`,
    );
}

/** A name that is misspelled in a hurry stops nothing. Users and models are what calls say: any could be meant. */
async function isOfSomeKey(client: AdminClient, { dimension, value }: Target): Promise<boolean> {
  if (dimension !== "Team" && dimension !== "Service" && dimension !== "Key") return true;
  const keys = (await client.list(findKind("virtualkey"), undefined)) as readonly VirtualKey[];
  return keys.some(({ metadata, spec }) => {
    if (dimension === "Key") return `${metadata.namespace}/${metadata.name}` === value;
    return (dimension === "Team" ? spec.subject?.team : spec.subject?.service) === value;
  });
}

function targetOf(options: Options): Target {
  const given = dimensions.flatMap((dimension) => {
    const value = options[dimension.toLowerCase() as Lowercase<Dimension>];
    return value === undefined ? [] : [{ dimension, value }];
  });
  const [target, ...more] = given;
  if (target === undefined || more.length > 0)
    throw new CommandError("name one of --service, --team, --user, --key, --model and --provider");
  const isObject = target.dimension === "Key" || target.dimension === "Provider";
  if (!isObject || target.value.includes("/")) return target;
  return { ...target, value: `${options.namespace ?? defaultNamespace}/${target.value}` };
}
