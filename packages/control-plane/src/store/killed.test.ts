import { test } from "vitest";
import { survivesKill } from "../../test/survives-kill.ts";

test(
  "a folder whose process was killed while writing opens again with all that was confirmed",
  { timeout: 120_000 },
  () => survivesKill(3),
);
