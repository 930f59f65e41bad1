import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { realClock } from "../../test/observed.ts";
import { WatchedFolder } from "./watched-folder.ts";

let root: string;
let folder: string;
let changes: number;
let watched: WatchedFolder;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-watched-"));
  folder = join(root, "resources");
  changes = 0;
});
afterEach(() => {
  watched[Symbol.dispose]();
  rmSync(root, { recursive: true });
});

/** Acts once the first look is over, and waits until that was noticed. */
async function noticed(act: () => void): Promise<void> {
  const before = changes;
  await new Promise((wake) => setTimeout(wake, 100));
  expect(changes, "nothing has changed yet").toBe(before);
  act();
  await vi.waitFor(() => expect(changes).toBeGreaterThan(before), { timeout: 20_000, interval: 10 });
  await new Promise((wake) => setTimeout(wake, 200));
}

function watch(): void {
  watched = new WatchedFolder(folder, realClock, () => changes++);
}

test("files that come, change, move and go are noticed, in folders below too", async () => {
  mkdirSync(folder);
  watch();
  await noticed(() => writeFileSync(join(folder, "a.yaml"), "a"));
  await noticed(() => writeFileSync(join(folder, "a.yaml"), "b"));
  await noticed(() => mkdirSync(join(folder, "team")));
  await noticed(() => writeFileSync(join(folder, "team/b.yaml"), "b"));
  await noticed(() => renameSync(join(folder, "team/b.yaml"), join(folder, "b.yaml")));
  await noticed(() => rmSync(join(folder, "b.yaml")));
});

test("a folder that comes later, goes and comes again is noticed", async () => {
  watch();
  await noticed(() => mkdirSync(folder));
  await noticed(() => writeFileSync(join(folder, "a.yaml"), "a"));
  await noticed(() => rmSync(folder, { recursive: true }));
  await noticed(() => {
    mkdirSync(folder);
    writeFileSync(join(folder, "b.yaml"), "a");
  });
});
