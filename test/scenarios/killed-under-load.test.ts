import { test } from "vitest";
import { survivesKills } from "./killed-under-load.ts";

test(
  "killed under load, the gateway has a record of every call, and its books hold what the vendor bills",
  {
    timeout: 180_000,
  },
  () => survivesKills(4),
);
