import { expect, test } from "vitest";
import { runWorld } from "./simulation/world.ts";

/** Together 200,000 seeds past those of `npm test`. */
const [from, parts, seedsOfPart] = [100_000, 40, 5_000];

test.for(Array.from({ length: parts }, (_, part) => from + part * seedsOfPart))(
  "no limit is exceeded and nothing is lost in 5,000 worlds from seed %i",
  (first) => {
    for (let seed = first; seed < first + seedsOfPart; seed++)
      expect(runWorld(seed).failure, `npm run simulate -- --seed ${seed}`).toBeUndefined();
  },
);
