/** What is measured of one gateway in one round. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Gateway, StartInput, Target } from "./gateways/gateway.ts";
import { chatBody, headerList } from "./rig/chat.ts";
import { type ClosedLoop, closedLoop } from "./rig/closed-loop.ts";
import { usageOf } from "./rig/kernel-usage.ts";
import { gatewayCore, runPinned, sleep, startPinned } from "./rig/pinned-process.ts";
import { waitUntilServing } from "./rig/serving.ts";

export type Plan = {
  readonly seconds: number;
  readonly streams: number /** Calls a second of the open loop. */;
  readonly rates: readonly number[];
};
/** Milliseconds. */
export type OpenLoop = { readonly rate: number; readonly p50: number; readonly p99: number; readonly failed: number };
export type Streams = {
  readonly streams: number;
  readonly broken: number;
  readonly allChunks: number;
  readonly first: { p50: number; p99: number };
  readonly gap: { p99: number; max: number };
};
export type Measured = {
  readonly capacity: ClosedLoop & { /** Of the gateway, microseconds a request. */ readonly cpuMicroseconds?: number };
  readonly open: readonly OpenLoop[];
  readonly streams: Streams;
  readonly rssMiB?: { readonly idle: number; readonly load: number; readonly streams: number };
};
export type Cell = Measured & { readonly round: number; readonly name: string };

const warmSeconds = 6;
const connections = 64;
const streamSeconds = 8;

export async function measureDirect(json: Target, streaming: Target, plan: Plan): Promise<Measured> {
  return {
    capacity: await closedLoop(json, { connections, seconds: plan.seconds }),
    open: await openLoops(json, plan),
    streams: await streamsOf(streaming, plan),
  };
}

export async function measureGateway(
  gateway: Gateway,
  start: (streaming: boolean, port: number) => StartInput,
  plan: Plan,
  log: string,
): Promise<Measured> {
  const json = await withGateway(gateway, start(false, 9300), log, async (target, pid) => {
    const idle = usageOf(pid).rssMiB;
    await closedLoop(target, { connections, seconds: warmSeconds });
    const before = usageOf(pid).cpuSeconds;
    const capacity = await closedLoop(target, { connections, seconds: plan.seconds });
    const after = usageOf(pid);
    await sleep(500);
    const open = await openLoops(target, plan);
    return {
      idle,
      load: after.rssMiB,
      open,
      capacity: { ...capacity, cpuMicroseconds: ((after.cpuSeconds - before) * 1e6) / capacity.requests },
    };
  });
  const streaming = await withGateway(gateway, start(true, 9310), log, async (target, pid) => {
    const streams = await streamsOf(target, plan);
    return { streams, rss: usageOf(pid).rssMiB };
  });
  return {
    capacity: json.capacity,
    open: json.open,
    streams: streaming.streams,
    rssMiB: { idle: json.idle, load: json.load, streams: streaming.rss },
  };
}

async function withGateway<T>(
  gateway: Gateway,
  input: StartInput,
  log: string,
  work: (target: Target, pid: number) => Promise<T>,
): Promise<T> {
  const { command, env, target } = gateway.prepare(input);
  await using child = startPinned({ core: gatewayCore, command, env, log, cwd: input.folder });
  await waitUntilServing(target, () =>
    child.ended() ? `${gateway.name} has ended: ${readFileSync(log, "utf8").slice(-2000)}` : undefined,
  );
  return await work(target, child.pid);
}

async function openLoops(target: Target, plan: Plan): Promise<OpenLoop[]> {
  const loops: OpenLoop[] = [];
  for (const rate of plan.rates) {
    const told = await program("open-loop.ts", target, false, [String(rate), String(plan.seconds)]);
    loops.push({ rate, ...(JSON.parse(told) as Omit<OpenLoop, "rate">) });
  }
  return loops;
}

async function streamsOf(target: Target, plan: Plan): Promise<Streams> {
  return JSON.parse(
    await program("stream-load.ts", target, true, [String(plan.streams), String(streamSeconds)]),
  ) as Streams;
}

function program(file: string, target: Target, stream: boolean, args: readonly string[]): Promise<string> {
  return runPinned([process.execPath, join(import.meta.dirname, "rig", file), target.url, ...args], {
    BENCH_HEADERS: headerList(target.headers),
    BENCH_BODY: chatBody(target.model, stream),
  });
}
