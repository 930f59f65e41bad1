/** Load as fast as the answers come (`wrk`): for capacity. */

import { join } from "node:path";
import type { Target } from "../gateways/gateway.ts";
import { chatBody, headerList } from "./chat.ts";
import { runPinned } from "./pinned-process.ts";

/** Latencies in milliseconds. */
export type ClosedLoop = {
  readonly requests: number;
  readonly rps: number;
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
};

export async function closedLoop(target: Target, load: { connections: number; seconds: number }): Promise<ClosedLoop> {
  const script = join(import.meta.dirname, "chat.lua");
  const command = [
    "wrk",
    "-t1",
    `-c${load.connections}`,
    `-d${load.seconds}s`,
    "--latency",
    "--timeout",
    "10s",
    "-s",
    script,
    target.url,
  ];
  const output = await runPinned(command, {
    BENCH_HEADERS: headerList(target.headers),
    BENCH_BODY: chatBody(target.model, false),
  });
  const told = JSON.parse(/RESULT (.*)/.exec(output)?.[1] ?? "{}");
  return {
    requests: told.requests,
    rps: told.rps,
    p50: told.p50 / 1000,
    p99: told.p99 / 1000,
    failed: told.badStatus + told.socketErrors,
  };
}
