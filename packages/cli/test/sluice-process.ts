/** The real command in a process of its own, in a folder of its own, with nothing of this machine's environment. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const main = join(import.meta.dirname, "../src/main.ts");
const startMsMax = 60_000;

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** A folder with a blank in its name, as people have them. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "sluice test ")));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export class SluiceProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(words: readonly string[], options: { cwd: string; env?: Record<string, string>; script?: string }) {
    const env = { PATH: process.env.PATH ?? "", HOME: options.cwd, ...options.env };
    this.child = spawn(process.execPath, [options.script ?? main, ...words], { cwd: options.cwd, env });
    this.child.stdout.on("data", (chunk) => {
      this.stdout += chunk;
    });
    this.child.stderr.on("data", (chunk) => {
      this.stderr += chunk;
    });
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves with standard output once it holds `text`; rejects when the process ends without, or takes too long. */
  async said(text: string): Promise<string> {
    const deadline = performance.now() + startMsMax;
    while (!this.stdout.includes(text)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null || performance.now() > deadline) {
        const { stdout, stderr } = this;
        throw new Error(`"${text}" was never said. Standard output: ${stdout}\nStandard error: ${stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this.stdout;
  }

  async stop(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}

/** Runs to the end. `input` goes to its standard input. */
export async function sluice(
  words: readonly string[],
  options: { cwd: string; env?: Record<string, string>; input?: string; script?: string },
): Promise<Ended> {
  const running = new SluiceProcess(words, options);
  running.child.stdin.on("error", () => undefined); // it may end without reading
  running.child.stdin.end(options.input ?? "");
  return running.ended;
}

export type Announcement = {
  readonly pid: number;
  readonly url: string;
  readonly baseUrl: string;
  readonly admin: string;
  readonly folder: string;
  readonly key?: string;
  readonly real: readonly string[];
  readonly simulated: readonly string[];
};

/** A gateway on free ports. Kill it with `using`. */
export async function startUp(
  cwd: string,
  options: { words?: readonly string[]; env?: Record<string, string>; script?: string } = {},
): Promise<{ running: SluiceProcess; announced: Announcement }> {
  const words = [
    "up",
    "-o",
    "json",
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
    ...(options.words ?? []),
  ];
  const running = new SluiceProcess(words, { cwd, ...options });
  const line = await running.said("\n");
  return { running, announced: JSON.parse(line) };
}

export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder();
  try {
    await work(folder.path);
  } finally {
    folder.remove();
  }
}
