/** This side of PGlite's thread: what drizzle asks of a PGlite, answered by `pglite-worker.ts`. One transaction at a time. */

import { Worker } from "node:worker_threads";
import type { WorkerAnswer, WorkerRequest } from "./pglite-worker.ts";

export type Answer = { readonly rows: unknown[]; readonly affectedRows?: number };
type QueryOptions = { readonly rowMode?: "array" | "object" };

/** PostgreSQL's own words and its SQLSTATE. */
class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly code: string | undefined;
  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

export class PgliteThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  #ids = 0;
  /** Whoever holds the one session: a transaction, or a statement by itself. */
  #turn: Promise<unknown> = Promise.resolve();
  #ended: Error | undefined;

  /** `folder`: undefined keeps all in memory. */
  constructor(folder: string | undefined) {
    // A bundle has the worker beside it, as a script.
    const script = new URL(
      import.meta.url.endsWith(".ts") ? "./pglite-worker.ts" : "./pglite-worker.mjs",
      import.meta.url,
    );
    this.#worker = new Worker(script, { workerData: { folder } });
    this.#worker.on("message", (answer: WorkerAnswer) => this.#settle(answer));
    this.#worker.on("error", (error: unknown) => this.#end(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on("exit", () => this.#end(new Error("The database's thread has ended")));
  }

  query(text: string, values: unknown[] = [], options: QueryOptions = {}): Promise<Answer> {
    return this.#inTurn(() => this.#ask(text, values, options));
  }

  transaction<Result>(work: (session: { query: PgliteThread["query"] }) => Promise<Result>): Promise<Result> {
    return this.#inTurn(async () => {
      await this.#ask("begin");
      try {
        const result = await work({ query: (text, values, options) => this.#ask(text, values, options) });
        await this.#ask("commit");
        return result;
      } catch (error) {
        if (this.#ended === undefined) await this.#ask("rollback");
        throw error;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inTurn(() => this.#send({ id: ++this.#ids, kind: "close" })).catch(() => undefined);
    await this.#worker.terminate();
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #ask(text: string, values: unknown[] = [], { rowMode = "object" }: QueryOptions = {}): Promise<Answer> {
    return this.#send({ id: ++this.#ids, kind: "query", text, values, rowMode }) as Promise<Answer>;
  }

  #send(request: WorkerRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#waiting.set(request.id, { resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  #settle(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.kind === "done") waiting?.resolve(answer.answer);
    else waiting?.reject(new DatabaseError(answer.message, answer.code));
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
