/** How tests run. `--mode long` takes the full lengths and sizes (`*.long.test.ts`) in place of everything else. */

import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => {
  const long = mode === "long";
  const folders = ["packages/*/src", "packages/*/test", "test"];
  return {
    test: {
      include: folders.map((folder) => `${folder}/**/*${long ? ".long" : ""}.test.ts`),
      exclude: ["**/node_modules/**", "**/dist/**", "**/.venv/**", ...(long ? [] : ["**/*.long.test.ts"])],
      // Tests start servers and processes: each file has a process of its own, and two cores are what a build machine has.
      pool: "forks",
      maxWorkers: 2,
      testTimeout: long ? 30 * 60_000 : 30_000,
      hookTimeout: 120_000,
      retry: 0,
    },
  };
});
