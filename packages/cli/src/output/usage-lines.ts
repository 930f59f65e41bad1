/** Usage records, one a line, as they come: columns keep their width, so that a growing list stays readable. */

import type { UsageRecord } from "@sluice/api";
import { printable } from "./printable.ts";

const widths = [20, 16, 24, 24, 13, 6, 14, 14];
const headings = ["TIME", "SERVICE", "KEY", "MODEL", "OUTCOME", "STATUS", "TOKENS IN/OUT", "COST USD"];

export class UsageLines {
  readonly #form: "table" | "json";
  #headed = false;

  constructor(form: "table" | "json") {
    this.#form = form;
  }

  line(record: UsageRecord): string {
    if (this.#form === "json") return JSON.stringify(record);
    const head = this.#headed ? "" : `${set([...headings, "NOTE"])}\n`;
    this.#headed = true;
    return head + set(cells(record));
  }
}

function cells(record: UsageRecord): string[] {
  const { tokens } = record;
  return [
    record.startedAt.replace(/\.[0-9]+Z$/, "Z"),
    printable(record.service ?? "-"),
    printable(record.key ?? "-"),
    printable(record.model ?? "-"),
    record.outcome,
    String(record.status),
    tokens === undefined ? "-" : `${sum(tokens, isInput)}/${sum(tokens, (kind) => kind.startsWith("output"))}`,
    record.costUsd ?? "-",
    note(record),
  ];
}

function note({ code, billingReason, heldUsd, folded, corrections }: UsageRecord): string {
  const held = heldUsd === undefined || heldUsd === "0.00" ? undefined : `held ${heldUsd}`;
  const many = folded === undefined ? undefined : `${folded} calls in one`;
  const corrected = corrections === undefined ? undefined : "corrected";
  return [code, billingReason, held, many, corrected].filter((part) => part !== undefined).join(", ");
}

function isInput(kind: string): boolean {
  return kind.startsWith("input") || kind.startsWith("cache");
}

function sum(tokens: Readonly<Record<string, number>>, counts: (kind: string) => boolean): number {
  return Object.entries(tokens).reduce((total, [kind, count]) => (counts(kind) ? total + count : total), 0);
}

function set(cells: readonly string[]): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join(" ")
    .trimEnd();
}
