/** CPU time and memory as the kernel counts them, of a process and everything that it started. */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"]));
const pageBytes = Number(execFileSync("getconf", ["PAGESIZE"]));

export type Usage = { readonly cpuSeconds: number; readonly rssMiB: number };

export function usageOf(root: number): Usage {
  const parents = new Map<number, number>();
  const usage = new Map<number, Usage>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const fields = statOf(pid);
    if (fields === undefined) continue;
    parents.set(pid, Number(fields[1]));
    usage.set(pid, {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      rssMiB: (Number(fields[21]) * pageBytes) / 2 ** 20,
    });
  }
  let [cpuSeconds, rssMiB] = [0, 0];
  for (const [pid, one] of usage) {
    for (let ancestor = pid; ancestor > 1; ancestor = parents.get(ancestor) ?? 0) {
      if (ancestor !== root) continue;
      cpuSeconds += one.cpuSeconds;
      rssMiB += one.rssMiB;
      break;
    }
  }
  return { cpuSeconds, rssMiB };
}

/** Fields after the command's name; undefined when the process has gone. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
