/** The vendors' and LangChain's libraries for Python, unmodified: a script a library, a test a check of it. */

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { pythonEnvironment } from "./python-environment.ts";
import { type Rig, startRig, waysIn } from "./rig.ts";

/** What a check says of itself; `calls` and `aborted` are what the vendor must have seen. See `python/checks.py`. */
type Result = { check: string; ok: boolean; error?: string; calls?: Record<string, number>; aborted?: string };

const folder = join(import.meta.dirname, "python");
const scripts = readdirSync(folder).filter((name) => /^check_\w+\.py$/.test(name));
const scriptMsMax = 120_000;

let rig: Rig;
let environment: Awaited<ReturnType<typeof pythonEnvironment>>;
beforeAll(async () => {
  environment = await pythonEnvironment();
  rig = await startRig();
}, 400_000);
afterAll(() => rig[Symbol.asyncDispose]());

describe.each(waysIn.slice(0, 4))("$name", (way) => {
  describe.each(scripts)("%s", (script) => {
    let results: Result[] = [];
    let startedAtMs = 0;
    beforeAll(async () => {
      if ("missing" in environment) return;
      rig.enter(way);
      startedAtMs = Date.now();
      results = await runScript(environment.python, script);
    }, scriptMsMax + 10_000);

    const checks = [...readFileSync(join(folder, script), "utf8").matchAll(/^def check_(\w+)\(/gm)].map((match) =>
      match[1]!.replaceAll("_", " "),
    );
    test.for(checks)("%s", async (name, { skip }) => {
      if ("missing" in environment) return skip(environment.missing);
      const result = results.find((candidate) => candidate.check === `check_${name.replaceAll(" ", "_")}`);
      expect(result?.error).toBeUndefined();
      expect(result?.ok).toBe(true);

      const seen = (text: string) => rig.seen(`"${text}"`).filter((request) => request.receivedAtMs >= startedAtMs);
      for (const [text, count] of Object.entries(result?.calls ?? {})) expect(seen(text)).toHaveLength(count);
      const { aborted } = result ?? {};
      if (aborted !== undefined) await vi.waitFor(() => expect(seen(aborted)[0]?.abortedAtMs).toBeDefined());
    });
  });
});

/** A line of JSON for each check. What else it prints, and how it exits, is told when a check's line is missing. */
function runScript(python: string, script: string): Promise<Result[]> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", SLUICE_TEST_RESTRICTED_KEY: rig.gateway.restrictedKey };
  return new Promise((resolve, reject) => {
    execFile(python, [script], { cwd: folder, env, timeout: scriptMsMax }, (error, output, errors) => {
      if (error) reject(new Error(`${script} failed:\n${output}\n${errors}`, { cause: error }));
      else
        resolve(
          output
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as Result),
        );
    });
  });
}
