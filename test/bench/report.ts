/** The tables: medians over the rounds, with their spread, and ratios taken inside each round. */

import type { Cell } from "./measure.ts";

export type Results = {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly gateways: Readonly<Record<string, string>>;
  readonly cells: readonly Cell[];
};

export function report(results: Results): string {
  const names = [...new Set(results.cells.map((cell) => cell.name))];
  const of = (name: string, figure: (cell: Cell) => number | undefined) =>
    results.cells.filter((cell) => cell.name === name).map((cell) => figure(cell) ?? Number.NaN);
  const columns: [string, (cell: Cell) => number | undefined][] = [
    ["rps, c=64", (cell) => cell.capacity.rps],
    ["p99 ms, c=64", (cell) => cell.capacity.p99],
    ["CPU µs/call", (cell) => cell.capacity.cpuMicroseconds],
    ["RSS MiB idle", (cell) => cell.rssMiB?.idle],
    ["load", (cell) => cell.rssMiB?.load],
    ["256 streams", (cell) => cell.rssMiB?.streams],
    [
      "failed",
      (cell) => cell.capacity.failed + cell.open.reduce((sum, loop) => sum + loop.failed, 0) + cell.streams.broken,
    ],
  ];
  const figures = table(
    ["", ...columns.map(([title]) => title)],
    names.map((name) => [name, ...columns.map(([, figure]) => spread(of(name, figure)))]),
  );

  // Added: over what the same call takes without a gateway, in the same round.
  const added = (cell: Cell, figure: (cell: Cell) => number | undefined) => {
    const direct = results.cells.find((other) => other.name === "direct" && other.round === cell.round);
    return direct === undefined ? Number.NaN : (figure(cell) ?? Number.NaN) - (figure(direct) ?? Number.NaN);
  };
  const openAt = (rate: number, which: "p50" | "p99") => (cell: Cell) =>
    cell.open.find((loop) => loop.rate === rate)?.[which];
  const latencies: [string, (cell: Cell) => number | undefined][] = [
    ["+p50 ms, 350/s", openAt(350, "p50")],
    ["+p99, 350/s", openAt(350, "p99")],
    ["+p50, 1000/s", openAt(1000, "p50")],
    ["+p99, 1000/s", openAt(1000, "p99")],
    ["first byte +p50, 256 streams", (cell) => cell.streams.first.p50],
    ["+p99", (cell) => cell.streams.first.p99],
    ["gap p99 −20", (cell) => cell.streams.gap.p99],
  ];
  const latency = table(
    ["", ...latencies.map(([title]) => title)],
    names
      .filter((name) => name !== "direct")
      .map((name) => [name, ...latencies.map(([, figure]) => spread(of(name, (cell) => added(cell, figure))))]),
  );

  const others = names.filter((name) => name !== "sluice" && name !== "direct");
  const ratios = names.includes("sluice")
    ? `${table(
        ["sluice ÷", "rps", "CPU a call"],
        others.map((name) => [
          name,
          spread(ratio(results, name, (cell) => cell.capacity.rps)),
          spread(ratio(results, name, (cell) => cell.capacity.cpuMicroseconds)),
        ]),
      )}\n`
    : "";
  const what = names
    .filter((name) => results.gateways[name] !== undefined)
    .map((name) => `- ${name}: ${results.gateways[name]}`);
  return `${results.date.slice(0, 10)}, ${results.machine}, Node ${results.node}. Median (least–most) of the rounds.\n\n${figures}\n${latency}\n${ratios}${what.join("\n")}\n`;
}

function ratio(results: Results, other: string, figure: (cell: Cell) => number | undefined): number[] {
  return results.cells
    .filter((cell) => cell.name === "sluice")
    .map((cell) => {
      const beside = results.cells.find((candidate) => candidate.name === other && candidate.round === cell.round);
      return (figure(cell) ?? Number.NaN) / ((beside && figure(beside)) ?? Number.NaN);
    });
}

function spread(values: readonly number[]): string {
  const sorted = values.filter(Number.isFinite).sort((one, other) => one - other);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) return "";
  const median =
    ((sorted[Math.floor((sorted.length - 1) / 2)] as number) + (sorted[Math.ceil((sorted.length - 1) / 2)] as number)) /
    2;
  return sorted.length === 1 ? short(median) : `${short(median)} (${short(least)}–${short(most)})`;
}

function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return String(Math.round(value));
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map((_title, index) => (index === 0 ? "-" : "-:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n")
    .concat("\n");
}
