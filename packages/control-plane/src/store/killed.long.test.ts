import { test } from "vitest";
import { survivesKill } from "../../test/survives-kill.ts";

test("a folder whose process was killed 20 times while writing opens again with all that was confirmed", () =>
  survivesKill(20));
