/**
 * The simulation by hand: `npm run simulate -- --seeds 10000`, `npm run simulate -- --seed 17` for one run with its trace,
 * `--bug <name>` for a world with that bug planted.
 */

import { parseArgs } from "node:util";
import { plantedBugs } from "./simulation/planted-bugs.ts";
import { type RunOptions, runWorld } from "./simulation/world.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    bug: { type: "string" },
    lines: { type: "string", default: "50" },
  },
});
const hooks = values.bug === undefined ? {} : plantedBugs[values.bug];
if (hooks === undefined)
  throw new Error(`no such bug: ${values.bug}; there are ${Object.keys(plantedBugs).join(", ")}`);

process.exitCode = values.seed === undefined ? runMany({ hooks }) : runOne(Number(values.seed), { hooks });

function runOne(seed: number, options: RunOptions): number {
  const { events, calls, failure, trace, seen } = runWorld(seed, { ...options, traces: true });
  for (const line of trace.slice(-Number(values.lines))) console.log(line);
  console.log(`seed ${seed}: ${events} events, ${calls} calls; met: ${[...seen].sort().join(", ")}`);
  console.log(failure ?? "all held");
  return failure === undefined ? 0 : 1;
}

function runMany(options: RunOptions): number {
  const from = Number(values.from);
  const startedAtMs = Date.now();
  const met = new Map<string, number>();
  let [events, failed] = [0, 0];
  for (let seed = from; seed < from + Number(values.seeds); seed++) {
    const outcome = runWorld(seed, options);
    events += outcome.events;
    for (const situation of outcome.seen) met.set(situation, (met.get(situation) ?? 0) + 1);
    if (outcome.failure === undefined) continue;
    failed += 1;
    if (failed <= 10) console.log(`seed ${seed}: ${outcome.failure}\n  npm run simulate -- --seed ${seed}`);
  }
  const seconds = (Date.now() - startedAtMs) / 1_000;
  console.log(
    [...met]
      .sort(([left], [right]) => left.localeCompare(right))
      .map(([name, count]) => `${count} × ${name}`)
      .join("\n"),
  );
  console.log(`${values.seeds} seeds, ${failed} failed, ${events} events in ${seconds} s`);
  return failed === 0 ? 0 : 1;
}
