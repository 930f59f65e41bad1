/** One pool of connections an origin, kept while a runtime names it. */

import { Pool } from "undici";
import { guardedConnector } from "./guarded-connect.ts";

/** Vendors close idle connections after a minute or more; below it, so that we seldom send into a closing one. */
const keepAliveMs = 30_000;
const connectMs = 5_000;

export class OriginPools implements AsyncDisposable {
  readonly #pools = new Map<string, Pool>();

  get(origin: string): Pool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      // Deadlines are the exchange's (`deadlines.ts`), and how many calls may run at once is the limits' question, not the pool's.
      pool = new Pool(origin, {
        connections: null,
        pipelining: 1,
        keepAliveTimeout: keepAliveMs,
        headersTimeout: 0,
        bodyTimeout: 0,
        maxResponseSize: -1,
        connect: guardedConnector({ connectMs }),
      });
      this.#pools.set(origin, pool);
    }
    return pool;
  }

  /** Closes the pools of other origins once their calls have ended. */
  keepOnly(origins: ReadonlySet<string>): void {
    for (const [origin, pool] of this.#pools) {
      if (origins.has(origin)) continue;
      this.#pools.delete(origin);
      void pool.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}
