/** A virtual environment of the tests' own, made once for each list of requirements and kept beside other caches. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const cache = join(import.meta.dirname, "../../node_modules/.cache");
const requirements = join(import.meta.dirname, "python/requirements.txt");
/** What the pinned libraries ask for. */
const oldest = [3, 10] as const;
const installMsMax = 300_000;

/** The interpreter that has the libraries, or why there is none. An install that fails is an error: it was to work. */
export async function pythonEnvironment(): Promise<{ python: string } | { missing: string }> {
  const found = await systemPython();
  if ("missing" in found) return found;
  const digest = createHash("sha256")
    .update(found.version)
    .update(await readFile(requirements))
    .digest("hex")
    .slice(0, 16);
  const folder = join(cache, `sluice-sdk-venv-${digest}`);
  const python = join(folder, "bin", "python");
  if (await exists(join(folder, "complete"))) return { python };

  await rm(folder, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  await run("python3", ["-m", "venv", folder]);
  await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements], {
    timeout: installMsMax,
  });
  // Last: an install that was cut off is begun again.
  await writeFile(join(folder, "complete"), "");
  return { python };
}

async function systemPython(): Promise<{ version: string } | { missing: string }> {
  try {
    const { stdout } = await run("python3", [
      "-c",
      "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])",
    ]);
    const version = stdout.trim();
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return { version };
    return { missing: `Python ${oldest.join(".")} or newer is wanted, here is ${version}` };
  } catch {
    return { missing: "python3 with venv and pip is not installed here" };
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
