/**
 * Every command of the README and the pages under docs/, run as it stands, in their order: in one shell, so that what one block
 * exports the next one has. Only the address is another, since 4141 may be taken here.
 */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pythonEnvironment } from "../sdk/python-environment.ts";
import { fencedBlocks } from "./fenced-blocks.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "sluice-docs-"));
let gateway: ReturnType<typeof spawn>;
let url = "";
let banner = "";

beforeAll(async () => {
  // The page's reader stands in the checkout; here is one with the same command and nothing else.
  symlinkSync(join(root, "sluice"), join(folder, "sluice"));
  const started = readBlocks("README.md", "sh").find(({ text }) => text === "npm start");
  expect(started, "the README begins with npm start").toBeDefined();
  const [npm = "", ...words] = [
    "npm",
    "start",
    "--silent",
    "--",
    "--data-dir",
    join(folder, ".sluice"),
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
  ];
  gateway = spawn(npm, words, { cwd: root, env: environment(), detached: true, stdio: ["ignore", "pipe", "inherit"] });
  gateway.stdout?.on("data", (piece) => {
    banner += piece;
  });
  const until = performance.now() + 100_000;
  while (!banner.includes("Next:") && performance.now() < until) await new Promise((wake) => setTimeout(wake, 50));
  url = /OPENAI_BASE_URL=(http:\/\/127\.0\.0\.1:\d+)/.exec(banner)?.[1] ?? "";
});
afterAll(async () => {
  if (gateway.pid !== undefined && gateway.exitCode === null) {
    const ended = once(gateway, "exit");
    process.kill(-gateway.pid, "SIGINT");
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

test("npm start prints what the README promises, in at most fourteen lines", () => {
  expect(banner.trimEnd().split("\n").length).toBeLessThanOrEqual(14);
  expect(banner).toContain(`export OPENAI_BASE_URL=${url}/api/inference/`);
  expect(banner).toContain(`export ANTHROPIC_BASE_URL=${url}/api/inference/`);
  expect(banner.match(/sk-sluice-[0-9A-Za-z]{49}/g)).toHaveLength(1);
});

test("the lines that the banner tells to paste work as they are", () => {
  const lines = banner.split("\n");
  const from = lines.findIndex((line) => line.startsWith("export "));
  const to = lines.findIndex((line) => line.startsWith("Next:"));
  const ran = shell(`${lines.slice(from, to).join("\n")}\n`);
  expect(ran.output).toContain('"object":"chat.completion"');
});

test("the README is short", () => {
  expect(readFileSync(join(root, "README.md"), "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});

test("the README's shell commands run in their order, and its resources apply", { timeout: 120_000 }, () => {
  expect(saveResources("README.md")).toBe(2);
  const ran = shell(`set -e\n${commandsOf("README.md")}\n`);
  expect(ran.status, ran.output).toBe(0);
  expect(ran.output).toContain('"object":"chat.completion"');
  expect(ran.output).toContain("route.sluice.dev/assistant created");
  expect(ran.output).toContain("budget.sluice.dev/search-monthly created");
  expect(ran.output).toMatch(/search +gpt-4o-mini +[0-9]+ +[0-9]+ +0\.[0-9]+/);
  expect(ran.output).toContain("revoked on 1/1 data planes");
});

test.for(["docs/limits.md", "docs/spending.md"])(
  "%s: its commands run in their order, and its resources apply",
  { timeout: 120_000 },
  (page) => {
    expect(saveResources(page)).toBeGreaterThan(0);
    const ran = shell(`${withKey()}set -e\n${commandsOf(page)}\n`);
    expect(ran.status, ran.output).toBe(0);
    expect(ran.output).not.toContain("error");
  },
);

test("the page on limits: the simulation that it tells of runs, and finds nothing", { timeout: 300_000 }, () => {
  const commands = readBlocks("docs/limits.md", "sh").flatMap(({ text }) => text.match(/^npm run simulate.*$/gm) ?? []);
  expect(commands.length).toBeGreaterThan(0);
  const ran = spawnSync("bash", ["-c", `set -e\n${commands.join("\n")}`], { cwd: root, encoding: "utf8" });
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
});

test("the page on limits tells what a call is charged for each reason that a record may give", () => {
  const told = readFileSync(join(root, "docs/limits.md"), "utf8");
  const source = readFileSync(join(root, "packages/contract/src/usage-event.ts"), "utf8");
  const [, reasons = ""] = /billingReasons = \[([^\]]*)\]/.exec(source) ?? [];
  const corrections = ["Repriced", "HeldReleased"];
  for (const [, reason = ""] of reasons.matchAll(/"(\w+)"/g))
    if (!corrections.includes(reason)) expect(told).toContain(`\`${reason}\``);
});

test("each script that a page names is there", () => {
  const scripts = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts as Record<string, string>;
  for (const page of ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/limits.md"]) {
    for (const [, name = ""] of readFileSync(join(root, page), "utf8").matchAll(/npm run ([a-z:]+)/g))
      expect(Object.keys(scripts)).toContain(name);
  }
});

test("each link to a file of the repository leads somewhere", () => {
  for (const page of [
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "docs/admin-api.md",
    "docs/benchmarks.md",
    "docs/limits.md",
    "docs/spending.md",
  ]) {
    for (const [, target = ""] of readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect([page, target, existsSync(resolve(root, page, "..", target))]).toEqual([page, target, true]);
    }
  }
});

test("the README's Python runs with the variables set", { timeout: 300_000 }, async ({ skip }) => {
  const python = await pythonEnvironment();
  if ("missing" in python) return skip(python.missing);
  const file = join(folder, "snippet.py");
  writeFileSync(file, onlyBlock("python"));
  const ran = shell(`${withKey()}"${python.python}" "${file}"`);
  expect(ran.status, ran.output).toBe(0);
  expect(ran.output.trim()).not.toBe("");
});

test("the README's JavaScript runs with the variables set", { timeout: 60_000 }, () => {
  // Beside the SDK tests' packages, which is where an application would have them.
  const file = join(root, "test/sdk/node_modules/.readme-snippet.mjs");
  writeFileSync(file, onlyBlock("js"));
  try {
    const ran = shell(`${withKey()}"${process.execPath}" "${file}"`);
    expect(ran.status, ran.output).toBe(0);
    expect(ran.output.trim()).not.toBe("");
  } finally {
    rmSync(file);
  }
});

test("the page on the admin API: its kubectl commands run", { timeout: 120_000 }, ({ skip }) => {
  skip(spawnSync("kubectl", ["version", "--client"]).status !== 0, "kubectl is not on PATH");
  const commands = readBlocks("docs/admin-api.md", "sh").flatMap(({ text }) => text.split("\n"));
  expect(commands.length).toBeGreaterThan(2);
  for (const command of commands) {
    // A watch ends by itself only when it is told to.
    const bounded = command.endsWith(" -w") ? `timeout 5 ${command} || [ $? -eq 124 ]` : command;
    const ran = shell(bounded);
    expect(ran.status, `${command}\n${ran.output}`).toBe(0);
  }
});

function readBlocks(page: string, language: string) {
  return fencedBlocks(join(root, page)).filter((block) => block.language === language);
}

/** The page's resources as the files that it names in their first line; answers how many. */
function saveResources(page: string): number {
  const blocks = readBlocks(page, "yaml");
  for (const { text, line } of blocks) {
    const name = /^# (\S+\.yaml)\n/.exec(text)?.[1];
    expect(name, `${page}:${line} begins with the name of its file`).toBeDefined();
    writeFileSync(join(folder, name ?? ""), text);
  }
  return blocks.length;
}

/** npm's run in the checkout, and have tests of their own. */
function commandsOf(page: string): string {
  return readBlocks(page, "sh")
    .map(({ text }) => text)
    .filter((text) => !text.startsWith("npm "))
    .join("\n");
}

function onlyBlock(language: string): string {
  const [block, ...more] = readBlocks("README.md", language);
  expect(more).toEqual([]);
  return block?.text ?? "";
}

/** The README's own exports, with a key made as it says. */
function withKey(): string {
  const exports =
    readBlocks("README.md", "sh").find(({ text }) => text.startsWith("export OPENAI_BASE_URL"))?.text ?? "";
  return `${exports.replace("my-app", `app-${Math.random().toString(36).slice(2, 8)}`)}\n`;
}

function shell(script: string): { status: number | null; output: string } {
  const here = script.replaceAll("http://127.0.0.1:4141", url);
  const ran = spawnSync("bash", ["-c", here], { cwd: folder, env: environment(), encoding: "utf8", timeout: 110_000 });
  return { status: ran.status, output: ran.stdout + ran.stderr };
}

/** Nothing of this machine but its PATH: a vendor's key found in the environment would be used. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: process.env.HOME };
}
