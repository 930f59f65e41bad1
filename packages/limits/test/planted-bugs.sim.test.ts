import { expect, test } from "vitest";
import { drawPlan } from "./simulation/draw-plan.ts";
import { mayShow, plantedBugs } from "./simulation/planted-bugs.ts";
import { runWorld } from "./simulation/world.ts";

/** Less than `npm test` runs: what is planted here would be found there. */
const seedsMax = 10_000;

test.for(Object.entries(plantedBugs))("the simulation finds it when %s", { timeout: 300_000 }, ([, bug]) => {
  let found: number | undefined;
  for (let seed = 1; seed <= seedsMax && found === undefined; seed++) {
    const plan = drawPlan(seed);
    if (mayShow(bug, plan) && runWorld(seed, { hooks: bug, plan }).failure !== undefined) found = seed;
  }
  expect(found, `no failure in ${seedsMax} seeds`).toBeDefined();
});
