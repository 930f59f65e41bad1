/** A Store on each database, for suites that both must pass. One database for a suite: its tests use names of their own. */

import { afterAll, beforeAll, describe } from "vitest";
import { openPgliteStore, openPostgresStore } from "../src/store/postgres.ts";
import type { Store } from "../src/store/store.ts";
import { type TestClock, testClock, testLog } from "./observed.ts";
import { startPostgres } from "./postgres-server.ts";

export type StoreUnderTest = {
  readonly kind: "PGlite" | "PostgreSQL";
  readonly store: Store;
  /** PostgreSQL alone. */
  readonly url: string | undefined;
  readonly clock: TestClock;
  readonly log: ReturnType<typeof testLog>;
};

export function describeEachStore(what: string, suite: (under: StoreUnderTest) => void): void {
  describe.each(["PGlite", "PostgreSQL"] as const)(`${what} on %s`, (kind) => {
    const [clock, log] = [testClock(), testLog()];
    const opened = new AsyncDisposableStack();
    const under = { kind, clock, log, url: undefined } as {
      -readonly [Name in keyof StoreUnderTest]: StoreUnderTest[Name];
    };
    beforeAll(async () => {
      const ports = { nowMs: clock.nowMs, log };
      if (kind === "PostgreSQL") {
        under.url = await opened.use(await startPostgres()).createDatabase();
        under.store = opened.use(await openPostgresStore(under.url, ports));
      } else under.store = opened.use(await openPgliteStore({}, ports));
    }, 120_000);
    afterAll(() => opened.disposeAsync(), 60_000);
    suite(under);
  });
}
