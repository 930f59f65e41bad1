/**
 * `npm run build`: the whole command line in one file, `dist/sluice.mjs`, for a Node 26 without `node_modules`. Beside it lie
 * the files that are read at run time: PGlite's program and data, the record's tables, and an empty record to begin with.
 */

import { chmodSync, cpSync, globSync, mkdirSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { prepareDataFolder } from "@sluice/control-plane";
import { build } from "esbuild";

const here = import.meta.dirname;
const controlPlane = join(here, "../control-plane");
/** `node build.ts FOLDER` writes elsewhere. */
const output = resolve(process.argv[2] ?? join(here, "dist"));

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
await build({
  entryPoints: {
    sluice: join(here, "src/main.ts"),
    // A thread starts from a script of its own.
    "pglite-worker": join(controlPlane, "src/store/pglite-worker.ts"),
  },
  outdir: output,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  target: "node26",
  format: "esm",
  // Some dependencies are CommonJS and call `require` for Node's own modules.
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  // pg's native binding is optional, and not what Sluice uses.
  external: ["pg-native"],
  legalComments: "linked",
  logLevel: "warning",
});
chmodSync(join(output, "sluice.mjs"), 0o755);

const pglite = dirname(createRequire(join(controlPlane, "package.json")).resolve("@electric-sql/pglite"));
for (const file of globSync("{pglite,initdb}.{wasm,data}", { cwd: pglite }))
  cpSync(join(pglite, file), join(output, file));
cpSync(join(controlPlane, "src/store/migrations"), join(output, "migrations"), { recursive: true });
await prepareDataFolder(join(output, "prepared"), () => Date.now());

for (const file of globSync("*.{mjs,wasm,data}", { cwd: output }).sort())
  console.log(`${basename(file).padEnd(16)} ${(statSync(join(output, file)).size / 1024 / 1024).toFixed(1)} MB`);
