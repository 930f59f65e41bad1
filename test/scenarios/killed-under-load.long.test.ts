import { test } from "vitest";
import { survivesKills } from "./killed-under-load.ts";

test("killed ten times under load, the gateway has a record of every call, and its books hold what the vendor bills", () =>
  survivesKills(10));
