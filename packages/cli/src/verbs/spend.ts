/** `sluice spend`: what calls cost, by whatever they are counted for. The total is the ledger's, to the nano-dollar. */

import { type SpendReport, spendDimension } from "@sluice/api";
import { Command, InvalidArgumentError, Option } from "commander";
import { parsePeriod, rfc3339 } from "../client/period.ts";
import { clientFor, type ServerOptions, withServer } from "../client-options.ts";
import { spendCsv, spendTable } from "../output/spend-table.ts";

type Options = ServerOptions & {
  by: string[];
  since: string;
  until?: string;
  timezone: string;
  output: "table" | "json" | "csv";
};

export function spendCommand(): Command {
  const form = new Option("-o, --output <form>", "how to show it").choices(["table", "json", "csv"]).default("table");
  const command = new Command("spend")
    .description("Show what calls cost: by team, service, user, key, model, provider, route, run or metadata/NAME")
    .option("--by <dimension,…>", "one, or several for a cross table", parseDimensions, ["service"])
    .option("--since <time>", '24h, 7d, 2026-11-01, today, "this month", "last week"', "this month")
    .option("--until <time>", "as --since (default: now)")
    .option("--timezone <zone>", "by whose clock days and months begin, as Europe/Berlin", "UTC")
    .addOption(form)
    .addHelpText("after", "\nFor example: sluice spend --by service,model --since 24h -o csv")
    .action(spend);
  return withServer(command);
}

async function spend(options: Options): Promise<void> {
  const { sinceMs, untilMs } = parsePeriod(options, { nowMs: Date.now(), timezone: options.timezone });
  const query = new URLSearchParams({ by: options.by.join(","), since: rfc3339(sinceMs), until: rfc3339(untilMs) });
  const report = await clientFor(options).call<SpendReport>("GET", `/admin/v1/spend?${query}`);
  console.log(text(report, options.output));
}

function text(report: SpendReport, form: Options["output"]): string {
  switch (form) {
    case "table":
      return spendTable(report);
    case "json":
      return JSON.stringify(report, null, 4);
    case "csv":
      return spendCsv(report);
  }
}

/** Any case, as `Metadata/run` stands in resources. */
function parseDimensions(text: string): string[] {
  const words = text.split(",").map((word) => word.trim().replace(/^metadata\//i, "metadata/"));
  return [...new Set(words)].map((word) => {
    const known = spendDimension.safeParse(word);
    if (known.success) return known.data;
    const lower = spendDimension.safeParse(word.toLowerCase());
    if (lower.success) return lower.data;
    throw new InvalidArgumentError(`${JSON.stringify(word)} ${known.error.issues[0]?.message ?? "is not known"}.`);
  });
}
