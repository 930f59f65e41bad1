/** `sluice usage`: single calls as they are recorded, and corrections of what was recorded. */

import type { CorrectionAnswer, RepriceRequest, SettleRequest } from "@sluice/api";
import { defaultNamespace } from "@sluice/api";
import { Command, Option } from "commander";
import type { AdminClient } from "../client/admin-client.ts";
import { parsePeriod, rfc3339 } from "../client/period.ts";
import { tailUsage } from "../client/tail-usage.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";
import { CommandError } from "../command-error.ts";
import { UsageLines } from "../output/usage-lines.ts";

export function usageCommand(): Command {
  const command = new Command("usage").description("Show recorded calls, and correct what was recorded");
  command.addCommand(tailCommand());
  command.addCommand(repriceCommand());
  command.addCommand(settleCommand());
  return command;
}

type TailOptions = ServerOptions & {
  follow?: boolean;
  lines: string;
  key?: string;
  service?: string;
  team?: string;
  namespace?: string;
  output: "table" | "json";
};

function tailCommand(): Command {
  const form = new Option("-o, --output <form>", "json: one object a line").choices(["table", "json"]).default("table");
  const command = new Command("tail")
    .description("Show the newest calls: who, what, tokens and cost")
    .option("-f, --follow", "go on with those that come")
    .option("--lines <count>", "how many to begin with", "20")
    .option("--key <name>", "of one VirtualKey, of the namespace of -n or as NAMESPACE/NAME")
    .option("--service <name>", "of one service")
    .option("--team <name>", "of one team")
    .addOption(form)
    .action(tail);
  return withServer(withNamespace(command));
}

async function tail(options: TailOptions): Promise<void> {
  const lines = Number(options.lines);
  if (!Number.isInteger(lines) || lines < 1 || lines > 1_000)
    throw new CommandError("--lines must be a whole number from 1 to 1000");
  const { key, service, team } = options;
  const named = key === undefined || key.includes("/") ? key : `${options.namespace ?? defaultNamespace}/${key}`;
  const filter = { ...(named && { key: named }), ...(service && { service }), ...(team && { team }) };
  const output = new UsageLines(options.output);
  for await (const record of tailUsage(clientFor(options), { filter, lines, follow: options.follow === true }))
    console.log(output.line(record));
}

type CorrectionOptions = ServerOptions & {
  namespace?: string;
  since?: string;
  until?: string;
  provider?: string;
  model?: string;
  request?: string;
  cost?: string;
  reason?: string;
  dryRun?: boolean;
};

function repriceCommand(): Command {
  const command = new Command("reprice")
    .description(
      "Reckon past calls at the prices of now, from their recorded tokens; budgets still open are corrected too",
    )
    .requiredOption("--since <time>", '24h, 2026-11-01 or "this month"')
    .option("--until <time>", "as --since (default: now)")
    .option("--provider <name>", "only of a Provider, of the namespace of -n or as NAMESPACE/NAME")
    .option("--model <name>", "only of a model of the provider's, or gpt-*")
    .option("--reason <text>", "why, for the record")
    .option("--dry-run", "tell what it would do, and do nothing")
    .action(reprice);
  return withServer(withNamespace(command));
}

async function reprice(options: CorrectionOptions): Promise<void> {
  const { provider, model } = options;
  const named =
    provider === undefined || provider.includes("/")
      ? provider
      : `${options.namespace ?? defaultNamespace}/${provider}`;
  const body: RepriceRequest = {
    ...periodOf(options),
    ...(named && { provider: named }),
    ...(model && { model }),
    ...{ dryRun: options.dryRun === true, reason: reasonOf(options) },
  };
  await correct(clientFor(options), "reprice", body);
}

function settleCommand(): Command {
  const command = new Command("settle")
    .description("Give back what budgets hold for calls whose bill is not known: of one request, or of a time")
    .option("--request <id>", "as x-sluice-request-id told it")
    .option("--cost <usd>", "what the provider did bill for that request")
    .option("--since <time>", '24h, 2026-11-01 or "this month"')
    .option("--until <time>", "as --since (default: now)")
    .option("--reason <text>", "why, for the record")
    .option("--dry-run", "tell what it would do, and do nothing")
    .action(settle);
  return withServer(command);
}

async function settle(options: CorrectionOptions): Promise<void> {
  const { request, cost } = options;
  if ((request === undefined) === (options.since === undefined))
    throw new CommandError("say which: `sluice usage settle --request ID`, or `sluice usage settle --since 24h`");
  const body: SettleRequest = {
    ...(request === undefined ? periodOf(options) : { requestId: request }),
    ...(cost && { costUsd: cost }),
    ...{ dryRun: options.dryRun === true, reason: reasonOf(options) },
  };
  await correct(clientFor(options), "settle", body);
}

async function correct(
  client: AdminClient,
  act: "reprice" | "settle",
  body: RepriceRequest | SettleRequest,
): Promise<void> {
  const answer = await client.call<CorrectionAnswer>("POST", `/admin/v1/usage/${act}`, { body });
  const { dryRun, records, corrected, skipped, accounts, deltaCostUsd, deltaHeldUsd } = answer;
  const left =
    skipped === 0 ? "" : `, ${skipped} left as they are (estimated, settled by a bill, or without tokens or price)`;
  console.log(`${corrected} of ${records} records ${dryRun ? "would be" : "are"} corrected${left}`);
  console.log(`cost ${signed(deltaCostUsd)} USD, held ${signed(deltaHeldUsd)} USD, on ${accounts} accounts of budgets`);
}

function periodOf(options: { since?: string; until?: string }): { since: string; until: string } {
  const words = { since: options.since ?? "", until: options.until };
  const { sinceMs, untilMs } = parsePeriod(words, { nowMs: Date.now(), timezone: "UTC" });
  return { since: rfc3339(sinceMs), until: rfc3339(untilMs) };
}

function reasonOf({ reason, dryRun }: CorrectionOptions): string {
  if (reason !== undefined && reason !== "") return reason;
  if (dryRun === true) return "dry run";
  throw new CommandError('say why, for the record: --reason "wrong price of gpt-4o until Tuesday"');
}

function signed(usd: string): string {
  return usd.startsWith("-") ? usd : `+${usd}`;
}
