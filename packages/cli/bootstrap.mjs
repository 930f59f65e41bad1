/**
 * The one entry that runs on whatever Node (20 or newer) a machine has: `node packages/cli/bootstrap.mjs SCRIPT.ts [ARGUMENTS]`.
 * It installs what the lockfile names, once, and hands over to the Node 26 found there. What the script does is not its business.
 * Only `node:` modules may be imported here: nothing is installed yet.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const modules = join(root, "node_modules");
const mark = join(modules, ".sluice-install");
const lock = join(modules, ".sluice-install.lock");
const pnpm = "pnpm@12.21.0";

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`sluice: ${error.message}\n`);
  process.exitCode = 1;
}

async function main([script, ...scriptArguments]) {
  if (Number.parseInt(process.versions.node, 10) < 20)
    throw new Error(
      `Node ${process.versions.node} is too old: install Node 20 or newer from https://nodejs.org, then run this again`,
    );
  if (script === undefined) throw new Error("bootstrap.mjs wants the script to run as its first argument");

  const digest = digestOfManifests();
  if (!isInstalled(digest)) await install(digest);
  // The script is named from the root, the current folder stays the caller's: relative paths in its arguments are theirs.
  await handOver([resolve(root, script), ...scriptArguments]);
}

function nodeBinary() {
  return join(modules, "node", "bin", "node");
}

function isInstalled(digest) {
  return existsSync(nodeBinary()) && existsSync(mark) && readFileSync(mark, "utf8") === digest;
}

/** All that decides what an install brings: the lockfile, the settings, each package's manifest, the tables of the record. */
function digestOfManifests() {
  const sum = createHash("sha256");
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"];
  const tables = "packages/control-plane/src/store/migrations";
  for (const name of readdirSync(join(root, tables)).sort()) files.push(join(tables, name));
  for (const folder of ["packages", "test"])
    if (existsSync(join(root, folder)))
      for (const name of readdirSync(join(root, folder)).sort()) files.push(join(folder, name, "package.json"));
  for (const file of files) {
    const path = join(root, file);
    if (existsSync(path)) sum.update(`${file}\n`).update(readFileSync(path));
  }
  return sum.digest("hex");
}

async function install(digest) {
  mkdirSync(modules, { recursive: true });
  await takeLock();
  try {
    if (isInstalled(digest)) return; // another start did it while this one waited
    const notice = setTimeout(
      () => process.stderr.write("sluice: installing (the first time takes about a minute) …\n"),
      1_000,
    );
    try {
      await run("npx", ["--yes", pnpm, "install", "--frozen-lockfile", "--config.confirmModulesPurge=false"]).catch(
        (error) => {
          throw error.output === undefined ? error : new Error(whyInstallFailed(error.output));
        },
      );
      if (!existsSync(nodeBinary()))
        throw new Error(`the install left no Node 26 in ${modules}: delete that folder and run this again`);
      // Without it the first start takes seconds longer, and says itself what is wrong.
      await run(nodeBinary(), [join(root, "packages/cli/prepare-data-folder.ts")]).catch(() => undefined);
    } finally {
      clearTimeout(notice);
    }
    writeFileSync(mark, digest);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** A folder is the lock, as making one is atomic. A holder that died gives it up. */
async function takeLock() {
  for (;;) {
    try {
      mkdirSync(lock);
      writeFileSync(join(lock, "pid"), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw new Error(`can't write to ${modules}: ${error.message}`);
    }
    await new Promise((wake) => setTimeout(wake, 200));
    if (holderIsGone()) rmSync(lock, { recursive: true, force: true });
  }
}

function holderIsGone() {
  try {
    process.kill(Number(readFileSync(join(lock, "pid"), "utf8")), 0);
    return false;
  } catch (error) {
    // EPERM: it lives, as another user. ENOENT: it is just writing its number, or has just finished.
    return error.code === "ESRCH";
  }
}

/** Runs quietly; what it said is the failure's `output`. */
function run(command, commandArguments) {
  return new Promise((done, fail) => {
    const child = spawn(command, commandArguments, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (chunk) => {
      output = (output + chunk).slice(-20_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) =>
      fail(new Error(error.code === "ENOENT" ? `no ${command} on PATH: install npm, which brings it` : error.message)),
    );
    child.on("close", (code) =>
      code === 0 ? done() : fail(Object.assign(new Error(`${command} failed`), { output })),
    );
  });
}

function whyInstallFailed(output) {
  process.stderr.write(`${output.trimEnd().split("\n").slice(-25).join("\n")}\n`);
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET|META_FETCH_FAIL/.test(output))
    return "can't reach the npm registry: check the network and proxy (`npm ping`), then run this again";
  if (/OUTDATED_LOCKFILE/.test(output))
    return `a package.json changed without its lockfile: run \`npx ${pnpm} install\`, then this again`;
  return "the install failed, see above";
}

/** Node 26 takes over: same terminal, signals passed on, its exit becomes ours. */
function handOver(nodeArguments) {
  const binary = realpathSync(nodeBinary());
  const env = {
    ...process.env,
    PATH: `${dirname(binary)}${delimiter}${process.env.PATH ?? ""}`,
    // Stripped and compiled modules are kept between starts.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(modules, ".cache", "compile"),
  };
  return new Promise((done, fail) => {
    const child = spawn(binary, nodeArguments, { stdio: "inherit", env });
    const pass = (signal) => child.kill(signal);
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    // A terminal's Ctrl-C reaches the child by itself too: whoever counts signals takes two at once for one.
    for (const signal of signals) process.on(signal, pass);
    child.on("error", (error) => fail(new Error(`can't start ${binary}: ${error.message}`)));
    child.on("exit", (code, signal) => {
      for (const name of signals) process.off(name, pass);
      if (signal !== null) process.kill(process.pid, signal);
      else process.exitCode = code ?? 1;
      done();
    });
  });
}
