/** Runs a tool of the workspace and returns what it said, line by line, when it failed; nothing when it is content. */

import { spawn } from "node:child_process";

export function runTool(root: string, command: readonly [string, ...string[]]): Promise<string[]> {
  const [program, ...toolArguments] = command;
  // Plain text: its lines are shown indented, on a terminal or in a build's log alike.
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined };
  return new Promise((done) => {
    const child = spawn(program, toolArguments, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => done([`can't run ${program}: ${error.message}`]));
    child.on("close", (code) => done(code === 0 ? [] : output.trimEnd().split("\n")));
  });
}
