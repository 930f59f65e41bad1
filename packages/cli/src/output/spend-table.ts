/**
 * A spend report as a table for people, and as CSV for spreadsheets. Every amount is the API's own, with zeros behind it at most:
 * nothing is rounded here but shares.
 */

import type { SpendReport } from "@sluice/api";
import { columns } from "./columns.ts";
import { csvText, printable } from "./printable.ts";

/** A call that has no value of a dimension is in a row of this name. */
const none = "(none)";

type Sums = SpendReport["total"];

export function spendTable(report: SpendReport): string {
  const { by, rows, total, since, until, previousSince } = report;
  const headings = [...by, "Calls", "Tokens", "Cost USD", "Held USD", "Share", "Before USD", "Change"];
  const figures = new Set(headings.keys().filter((column) => column >= by.length));
  const lines = rows.map((row) => [
    ...by.map((dimension) => printable(row.group[dimension] ?? none)),
    ...sumCells(row, total.costUsd === "0.00" ? "" : `${row.share.toFixed(2)} %`),
  ]);
  const label = by.length === 0 ? [] : ["TOTAL", ...by.slice(1).map(() => "")];
  const notes = [
    `From ${since} to ${until}; before: from ${previousSince}.`,
    ...(total.heldUsd === "0.00" ? [] : ["Held: charged to budgets until it is known whether the provider billed it."]),
    ...(total.estimatedCalls === "0"
      ? []
      : [`${total.estimatedCalls} calls ended without the provider's own figures: their cost is an estimate.`]),
    ...(total.unpricedCalls === "0"
      ? []
      : [
          `${total.unpricedCalls} calls had no price and are in no amount: sluice describe provider says which models.`,
        ]),
  ];
  const share = total.costUsd === "0.00" ? "" : "100.00 %";
  const table = [...lines, [...label, ...sumCells(total, share)]];
  for (const heading of ["Cost USD", "Held USD", "Before USD"]) alignPoints(table, headings.indexOf(heading));
  return [columns(headings, table, figures), "", ...notes].join("\n");
}

/** Zeros to the right, so that the points of a column stand below each other and large and small are seen at a glance. */
function alignPoints(table: readonly string[][], column: number): void {
  const digits = (text: string) => (text.includes(".") ? text.length - text.indexOf(".") - 1 : 0);
  const most = Math.max(...table.map((cells) => digits(cells[column] ?? "")));
  for (const cells of table) {
    const text = cells[column] ?? "";
    if (digits(text) > 0) cells[column] = text + "0".repeat(most - digits(text));
  }
}

/** Without a total: who adds up a column must not count twice. */
export function spendCsv({ by, rows }: SpendReport): string {
  const names = by.map((dimension) => dimension.replaceAll("/", "_"));
  const headings = [
    ...names,
    ...["calls", "input_tokens", "output_tokens", "total_tokens", "cost_usd", "held_usd", "share_percent"],
    ...["previous_cost_usd", "estimated_calls", "unpriced_calls"],
  ];
  const lines = rows.map((row) => [
    ...by.map((dimension) => row.group[dimension] ?? none),
    ...[
      row.calls,
      row.tokens.input,
      row.tokens.output,
      row.tokens.total,
      row.costUsd,
      row.heldUsd,
      row.share.toFixed(2),
    ],
    ...[row.previousCostUsd ?? "", row.estimatedCalls, row.unpricedCalls],
  ]);
  return csvText(headings, lines);
}

function sumCells(sums: Sums, share: string): string[] {
  const { calls, tokens, costUsd, heldUsd, previousCostUsd } = sums;
  return [
    grouped(calls),
    grouped(tokens.total),
    grouped(costUsd),
    grouped(heldUsd),
    share,
    grouped(previousCostUsd ?? "-"),
    change(sums),
  ];
}

/** `1234567.50` as `1,234,567.50`. */
function grouped(text: string): string {
  return text.replace(/^-?[0-9]+/, (whole) => whole.replaceAll(/(?<=[0-9])(?=([0-9]{3})+$)/g, ","));
}

function change({ costUsd, previousCostUsd }: Sums): string {
  if (previousCostUsd === undefined) return "";
  const [now, before] = [Number(costUsd), Number(previousCostUsd)];
  if (before === 0) return now === 0 ? "" : "new";
  const percent = Math.round(((now - before) / before) * 100);
  return `${percent > 0 ? "+" : ""}${percent} %`;
}
