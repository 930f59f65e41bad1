/** Processes pinned to one core, with all that they start; ended by their own id. */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";

export const gatewayCore = 0;
export const loadCore = 1;

export type PinnedProcess = AsyncDisposable & {
  readonly pid: number;
  readonly ended: () => boolean;
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
};

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) kill(child, "SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => process.exit(128 + constants.signals[signal]));

/** Output goes to `log`. */
export function startPinned(input: {
  core: number;
  command: readonly string[];
  env?: NodeJS.ProcessEnv;
  log: string;
  cwd?: string;
}): PinnedProcess {
  const log = openSync(input.log, "a");
  const child = spawn("taskset", ["-c", String(input.core), ...input.command], {
    env: { ...process.env, ...input.env },
    stdio: ["ignore", log, log],
    detached: true,
    cwd: input.cwd,
  });
  closeSync(log);
  running.add(child);
  const gone = new Promise<void>((resolve) => {
    const end = () => {
      running.delete(child);
      resolve();
    };
    child.on("exit", end).on("error", end);
  });
  const ended = () => !running.has(child);
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (ended()) return;
    kill(child, signal);
    await Promise.race([gone, sleep(4_000)]);
    if (!ended()) kill(child, "SIGKILL");
    await Promise.race([gone, sleep(2_000)]);
  };
  return { pid: child.pid ?? 0, ended, stop, [Symbol.asyncDispose]: () => stop() };
}

/** Runs a program on the load's core to its end; its output. Rejects with it when the program fails. */
export function runPinned(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("taskset", ["-c", String(loadCore), ...command], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    let text = "";
    child.stdout.on("data", (piece) => {
      text += piece;
    });
    child.stderr.on("data", (piece) => {
      text += piece;
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      running.delete(child);
      if (code === 0) resolve(text);
      else reject(new Error(`${command.join(" ")}: exit ${code}\n${text}`));
    });
  });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended between the look and the signal.
  }
}
