/**
 * `npm test`: the checks, then every test. `sdk`: only the real client libraries. `long`: full lengths and sizes. Any other
 * argument narrows to files whose path contains it. What is skipped is listed with its reason; the last line is the count.
 */

import { relative, resolve } from "node:path";
import { startVitest, type TestModule } from "vitest/node";
import { checkLine, runChecks } from "./check/checks.ts";

type Count = { passed: number; failed: number; skipped: string[] };

const root = resolve(import.meta.dirname, "..");
const words = process.argv.slice(2);
const long = words.includes("long");
const filters = words.filter((word) => word !== "long").map((word) => (word === "sdk" ? "test/sdk/" : word));

const count: Count = { passed: 0, failed: 0, skipped: [] };
if (words.length === 0) await countChecks(count);
await countTests(count);

if (count.skipped.length > 0) console.log(`\nSkipped:\n${count.skipped.map((line) => `  ${line}`).join("\n")}`);
const skipped = count.skipped.length > 0 ? `, ${count.skipped.length} skipped` : "";
console.log(`\n${count.passed} passed, ${count.failed} failed${skipped}`);
// Explicit: a worker that hangs must not keep a finished run open.
process.exit(count.failed === 0 && count.passed > 0 ? 0 : 1);

async function countChecks(into: Count): Promise<void> {
  for (const { problems } of await runChecks(root, (result) => console.log(checkLine(result))))
    if (problems.length === 0) into.passed += 1;
    else into.failed += 1;
}

async function countTests(into: Count): Promise<void> {
  const vitest = await startVitest(filters, { root, mode: long ? "long" : "test", run: true, watch: false });
  for (const module of vitest.state.getTestModules()) countModule(module, into);
  // A promise that nobody awaited, a server that threw after its test: the run is not sound, so it counts.
  into.failed += vitest.state.getUnhandledErrors().length;
  await vitest.close();
}

function countModule(module: TestModule, into: Count): void {
  // A file that did not load, or a hook that threw: no test of it can say so.
  into.failed += module.errors().length;
  for (const suite of module.children.allSuites()) into.failed += suite.errors().length;
  for (const test of module.children.allTests()) {
    const result = test.result();
    if (result.state === "passed") into.passed += 1;
    else if (result.state === "skipped") {
      const place = relative(root, module.moduleId);
      into.skipped.push(`${place} > ${test.fullName}: ${result.note ?? "marked as skipped"}`);
    } else into.failed += 1;
  }
}
