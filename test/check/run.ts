/** `npm run check`: every check, one line each. Exit 1 when one fails. */

import { resolve } from "node:path";
import { checkLine, runChecks } from "./checks.ts";

const root = resolve(import.meta.dirname, "../..");
const results = await runChecks(root, (result) => console.log(checkLine(result)));
process.exitCode = results.every(({ problems }) => problems.length === 0) ? 0 : 1;
