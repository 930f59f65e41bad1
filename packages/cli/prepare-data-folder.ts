/** Runs once, at the end of an install: makes the empty record that a first `sluice up` begins with, which takes PGlite seconds. */

import { prepareDataFolder } from "@sluice/control-plane";
import { preparedFolder } from "./src/compose/prepared-folder.ts";

await prepareDataFolder(preparedFolder(), () => Date.now());
