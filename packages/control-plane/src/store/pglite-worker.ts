/**
 * PGlite in a thread of its own: a statement takes milliseconds of computing, and in `sluice up` the same process carries the
 * traffic. One request at a time, in the order in which they come; `pglite-thread.ts` is the other side.
 */

import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";

export type WorkerRequest =
  | {
      readonly id: number;
      readonly kind: "query";
      readonly text: string;
      readonly values: unknown[];
      readonly rowMode: "array" | "object";
    }
  | { readonly id: number; readonly kind: "close" };
export type WorkerAnswer =
  | { readonly id: number; readonly kind: "done"; readonly answer: unknown }
  | { readonly id: number; readonly kind: "failed"; readonly message: string; readonly code: string | undefined };

const int8 = 20;
const numeric = 1700;
/** int8 as bigint and numeric as text, as PostgreSQL's driver gives them. */
const parsers = { [int8]: (text: string) => BigInt(text), [numeric]: (text: string) => text };

const { folder } = workerData as { folder: string | undefined };
const engine = PGlite.create({ ...(folder === undefined ? {} : { dataDir: folder }), parsers });
let last: Promise<unknown> = engine;

parentPort?.on("message", (request: WorkerRequest) => {
  last = last.then(
    () => serve(request),
    () => serve(request),
  );
});

async function serve(request: WorkerRequest): Promise<void> {
  const { id } = request;
  try {
    const answer = request.kind === "close" ? await (await engine).close() : await run(request);
    tell({ id, kind: "done", answer });
  } catch (error) {
    const { message, code } = error as { message?: string; code?: unknown };
    tell({ id, kind: "failed", message: message ?? String(error), code: typeof code === "string" ? code : undefined });
  }
}

async function run({ text, values, rowMode }: Extract<WorkerRequest, { kind: "query" }>): Promise<unknown> {
  const { rows, affectedRows } = await (await engine).query(text, values, { rowMode });
  return { rows, affectedRows };
}

function tell(answer: WorkerAnswer): void {
  parentPort?.postMessage(answer);
}
