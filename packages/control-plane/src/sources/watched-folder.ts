/**
 * Tells when anything below a folder has changed: the system's notices, and a look every few seconds for file systems that
 * give none. It compares names, times, sizes and rights, never contents, and calls only when they differ.
 */

import { type FSWatcher, watch } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";

/** After the last notice: editors and tools write a file in several steps. */
const settleMs = 50;
const lookEveryMs = 2_000;
/** Beyond this a folder is not one of resources or secrets, and only its first entries are looked at. */
const entriesMax = 50_000;

export class WatchedFolder implements Disposable {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #watcher: FSWatcher | undefined;
  #seen: string | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #cancelLook: () => void;
  #closed = false;

  /** Begins at once. The first look only remembers what is there. */
  constructor(folder: string, clock: Clock, onChange: () => void) {
    this.#folder = folder;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#cancelLook = () => {};
    this.#look();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#cancelLook();
    this.#watcher?.close();
  }

  #lookIn(ms: number): void {
    this.#cancelLook();
    if (!this.#closed) this.#cancelLook = this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    this.#listen();
    if (this.#looking !== undefined) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = fingerprint(this.#folder).then((found) => {
      this.#looking = undefined;
      if (this.#closed) return;
      const isNew = this.#seen !== undefined && this.#seen !== found;
      this.#seen = found;
      this.#lookIn(this.#lookAgain ? settleMs : lookEveryMs);
      this.#lookAgain = false;
      if (isNew) this.#onChange();
    });
  }

  /** Begun again at each look while it is not there: the folder may be missing, or have been replaced. */
  #listen(): void {
    if (this.#watcher !== undefined) return;
    try {
      const watcher = watch(this.#folder, { recursive: true, persistent: false }, () => this.#lookIn(settleMs));
      const forget = () => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = undefined;
      };
      watcher.on("error", forget);
      this.#watcher = watcher;
    } catch {
      // Without notices the look every few seconds has to do.
    }
  }
}

async function fingerprint(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => error.code ?? "");
  if (typeof names === "string") return `unreadable: ${names}`;
  const lines = await Promise.all(
    names
      .sort()
      .slice(0, entriesMax)
      .map(async (name) => {
        const found = await stat(join(folder, name)).catch(() => undefined);
        return found === undefined ? name : `${name} ${found.ino} ${found.mtimeMs} ${found.ctimeMs} ${found.size}`;
      }),
  );
  return lines.join("\n");
}
