/** All that can be said about the repository without running its tests. One line here for each check. */

import { join } from "node:path";
import { checkArrows } from "./arrows.ts";
import { checkFileNames } from "./file-names.ts";
import { checkHiddenInputs } from "./hidden-inputs.ts";
import { readSources } from "./sources.ts";
import { runTool } from "./tool.ts";

export type CheckResult = { readonly name: string; readonly problems: readonly string[]; readonly seconds: number };

/** Runs them side by side; tells each as it ends. */
export async function runChecks(root: string, told: (result: CheckResult) => void): Promise<CheckResult[]> {
  const sources = readSources(root);
  const bin = (name: string) => join(root, "node_modules/.bin", name);
  const generate = join(root, "packages/api/src/generate/main.ts");
  const checks: Record<string, () => Promise<readonly string[]> | readonly string[]> = {
    types: () => runTool(root, [bin("tsc"), "-p", "."]),
    "lint and format": () => runTool(root, [bin("biome"), "ci", "--colors=off", "--diagnostic-level=warn", "."]),
    "dead code": () => runTool(root, [bin("knip"), "--no-progress", "--no-config-hints"]),
    "generated files": () => runTool(root, [process.execPath, generate, "--check"]),
    arrows: () => checkArrows(root, sources),
    "hidden inputs": () => checkHiddenInputs(root, sources),
    "file names": () => checkFileNames(root, sources),
  };
  return Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const start = performance.now();
      const problems = await check();
      const result = { name, problems, seconds: (performance.now() - start) / 1000 };
      told(result);
      return result;
    }),
  );
}

/** `ok    arrows  0.4 s`, and below it what is wrong. */
export function checkLine({ name, problems, seconds }: CheckResult): string {
  const head = `${problems.length === 0 ? "ok  " : "FAIL"}  ${name.padEnd(16)} ${seconds.toFixed(1)} s`;
  return [head, ...problems.map((problem) => `      ${problem}`)].join("\n");
}
