import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { SluiceProcess, sluice, withFolder } from "./sluice-process.ts";

const bootstrap = join(import.meta.dirname, "../bootstrap.mjs");
const root = join(import.meta.dirname, "../../..");

/** As on a developer's machine: should the workspace have changed meanwhile, the entry installs first, with npm's settings. */
const env = process.env as Record<string, string>;

/** Runs a script through the entry, with the folder as current one. */
function start(folder: string, code: string, words: readonly string[] = []): SluiceProcess {
  const script = join(folder, "a script.ts");
  writeFileSync(script, code);
  return new SluiceProcess([script, ...words], { cwd: folder, script: bootstrap, env });
}

test("arguments, current folder and exit code pass through to the pinned Node", async () => {
  await withFolder(async (folder) => {
    const code = "const words: string[] = process.argv.slice(2);\n";
    const tell = "console.log(JSON.stringify([process.version, process.cwd(), ...words])); process.exitCode = 7;";
    await using running = start(folder, code + tell, ["two words", "--flag"]);
    const { code: exit, stdout } = await running.ended;
    expect(JSON.parse(stdout)).toEqual([expect.stringMatching(/^v26\./), folder, "two words", "--flag"]);
    expect(exit).toBe(7);
  });
});

test.for(["SIGTERM", "SIGINT"] as const)("a %s reaches the script, whose own exit counts", async (signal) => {
  await withFolder(async (folder) => {
    const code = `process.on("${signal}", () => process.exit(5)); setInterval(() => {}, 1000); console.log("on");`;
    await using running = start(folder, code);
    await running.said("on");
    expect((await running.stop(signal)).code).toBe(5);
  });
});

test("./sluice works through a symbolic link and from another folder", async () => {
  await withFolder(async (folder) => {
    mkdirSync(join(folder, "bin"));
    symlinkSync(join(root, "sluice"), join(folder, "bin/first"));
    symlinkSync("first", join(folder, "bin/sluice"));
    const script =
      'process.exitCode = (await import("node:child_process")).spawnSync("./bin/sluice", ["--version"], { stdio: "inherit" }).status;';
    writeFileSync(join(folder, "run.mjs"), script);
    const { code, stdout, stderr } = await sluice([], { cwd: folder, script: join(folder, "run.mjs"), env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

test("a registry that can't be reached is named, with what to do", async () => {
  await withFolder(async (folder) => {
    for (const path of [
      "packages/cli/bootstrap.mjs",
      "pnpm-lock.yaml",
      "package.json",
      "packages/control-plane/src/store/migrations",
    ]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      cpSync(join(root, path), join(folder, path), { recursive: true });
    }
    const { code, stderr } = await sluice(["any.ts"], {
      cwd: folder,
      script: join(folder, "packages/cli/bootstrap.mjs"),
      env: {
        npm_config_registry: "http://127.0.0.1:9/",
        npm_config_cache: join(folder, "cache"),
        npm_config_fetch_retries: "0",
        npm_config_update_notifier: "false",
      },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("can't reach the npm registry");
  });
});
