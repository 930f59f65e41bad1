/** `sluice status`: what runs, which revision serves where, and what needs a look. Exit 1 when something does. */

import type { StatusReport } from "@sluice/api";
import { Command, Option } from "commander";
import { clientFor, type ServerOptions, withServer } from "../client-options.ts";
import { columns } from "../output/columns.ts";
import { yamlText } from "../output/objects.ts";

type Options = ServerOptions & { output: "table" | "json" | "yaml" };

export function statusCommand(): Command {
  const form = new Option("-o, --output <form>", "how to show it").choices(["table", "json", "yaml"]).default("table");
  const command = new Command("status")
    .description("Show what runs and what needs a look; exit code 1 when something does")
    .addOption(form)
    .action(status);
  return withServer(command);
}

async function status(options: Options): Promise<void> {
  const report = await clientFor(options).call<StatusReport>("GET", "/admin/v1/status");
  console.log(await text(report, options.output));
  if (report.problems.length > 0) process.exitCode = 1;
}

function text(report: StatusReport, form: Options["output"]): Promise<string> | string {
  switch (form) {
    case "json":
      return JSON.stringify(report, null, 4);
    case "yaml":
      return yamlText(report);
    case "table":
      return table(report);
  }
}

function table({ version, startedAt, revision, dataPlanes, resources, problems }: StatusReport): string {
  const serves = revision === undefined ? "nothing published yet" : `revision ${revision.revision}`;
  const planes = dataPlanes.map(({ name, revision: at, rejected }) => [
    name,
    String(at),
    at === revision?.revision ? "current" : "behind",
    rejected === undefined ? "" : `refused revision ${rejected.revision}: ${rejected.reason}`,
  ]);
  const counts = resources.map(({ kind, total, ready }) => [kind, `${ready}/${total}`]);
  return [
    `Sluice ${version}, since ${startedAt}, ${serves}`,
    "",
    columns(["Data plane", "Revision", "State", "Note"], planes),
    "",
    columns(["Kind", "Ready"], counts),
    "",
    problems.length === 0
      ? "Nothing needs a look."
      : `Needs a look:\n${problems.map((line) => `  ${line}`).join("\n")}`,
  ].join("\n");
}
