import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "./secret.ts";
import { secretSource } from "./secrets.ts";

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-secrets-"));
  folder = join(root, "secrets");
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true }));

function write(id: string, content: string, mode = 0o600): string {
  const path = join(folder, id);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

async function lookUp(id: string, memory: ReadonlyMap<string, Secret> = new Map()): Promise<string> {
  const found = await secretSource(memory, folder)(id);
  return found.kind === "found" ? `found ${found.value.reveal()}` : `${found.kind}: ${found.message}`;
}

test("a value comes from its file, without the line break at its end", async () => {
  write("ai/openai/api-key", "sk-1\n");
  write("ai/openai/other.key_2", "with spaces, and = signs\r\n");
  expect(await lookUp("ai/openai/api-key")).toBe("found sk-1");
  expect(await lookUp("ai/openai/other.key_2")).toBe("found with spaces, and = signs");
});

test("what the composition holds goes before the file", async () => {
  write("ai/openai/api-key", "from file");
  expect(await lookUp("ai/openai/api-key", new Map([["ai/openai/api-key", new Secret("held")]]))).toBe("found held");
});

test("an absent file is missing, with where to write it", async () => {
  expect(await lookUp("ai/openai/api-key")).toBe(
    `missing: There is no file ${join(folder, "ai/openai/api-key")}: write the value there, with mode 0600`,
  );
});

test.each([0o644, 0o640, 0o604, 0o660, 0o777])("a file that others may use (%o) is refused", async (mode) => {
  const path = write("ai/openai/api-key", "sk-1", mode);
  expect(await lookUp("ai/openai/api-key")).toBe(
    `refused: ${path} has mode 0${mode.toString(8)}: others must not read it, run chmod 600 ${path}`,
  );
});

test("a link out of the folder is refused, one inside of it followed", async () => {
  const outside = join(root, "outside");
  writeFileSync(outside, "stolen", { mode: 0o600 });
  mkdirSync(join(folder, "ai/openai"), { recursive: true });
  symlinkSync(outside, join(folder, "ai/openai/api-key"));
  expect(await lookUp("ai/openai/api-key")).toMatch(/^refused: .*is a link to outside of/);

  write("ai/data/v1", "mounted");
  symlinkSync(join(folder, "ai/data"), join(folder, "ai/mounted"));
  expect(await lookUp("ai/mounted/v1")).toBe("found mounted");
});

test.each([
  "../x/y",
  "ai/../y",
  "ai/x/..",
  "ai/x/.",
  "ai/x",
  "ai/x/y/z",
  "AI/x/y",
  "/x/y",
  "ai/x/",
  "ai/a..b/y",
  "ai/x/y\0",
])("%j is no name of a secret", async (id) => {
  expect(await lookUp(id)).toMatch(/^refused: .*is no name of a secret/);
});

test.each([
  ["empty", "\n"],
  ["line breaks", "a\nb"],
  ["a header smuggled in", "a\r\nx-admin: 1"],
  ["no ASCII", "schlüssel"],
])("a value with %s is refused, and not quoted", async (_, content) => {
  write("ai/openai/api-key", content);
  const told = await lookUp("ai/openai/api-key");
  expect(told).toMatch(/^refused: The secret ai\/openai\/api-key (is empty|has line breaks)/);
  expect(told).not.toContain("x-admin");
});

test("a file of a megabyte or a folder is refused", async () => {
  write("ai/openai/huge", "x".repeat(1024 * 1024));
  expect(await lookUp("ai/openai/huge")).toMatch(/refused: .* a secret at most 65536/);
  mkdirSync(join(folder, "ai/openai/sub"), { mode: 0o700 });
  expect(await lookUp("ai/openai/sub")).toMatch(/refused: .* is not a file/);
});

test("a secret never prints", () => {
  const secret = new Secret("sk-1");
  const printed = [String(secret), `${secret}`, JSON.stringify({ secret }), inspect(secret), inspect({ a: [secret] })];
  for (const text of printed) expect(text).not.toContain("sk-1");
});
