import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { flagKnobs, numberKnobs } from "./knobs.ts";

test("the README tells every knob, and none that is not there", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const cells = readme.split("\n").map((line) => /^\| (`[^|]+)\|/.exec(line)?.[1] ?? "");
  const told = cells.flatMap((cell) => [...cell.matchAll(/`([a-z-]+)/g)].map((match) => match[1]));
  expect(told.sort()).toEqual([...Object.keys(numberKnobs), ...flagKnobs].sort());
});
