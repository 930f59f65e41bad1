/** The data plane: wires the given ports to the listener and the pipeline. Composition only; what happens is elsewhere. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Bus, SealingKey } from "@sluice/contract";
import { Deadlines } from "./deadlines.ts";
import { createExchange, type Exchange } from "./exchange.ts";
import { listen } from "./listener.ts";
import type { Log } from "./log.ts";
import { type PipelinePorts, runPipeline } from "./pipeline/run.ts";
import { Roster } from "./roster.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { Subscription } from "./runtime/subscription.ts";
import { UsageSpool } from "./spool/usage-spool.ts";
import { OriginPools } from "./upstream/origin-pools.ts";

export type DataPlanePorts = {
  readonly bus: Bus;
  readonly clock: {
    /** Unix milliseconds. */ wallMs(): number /** Milliseconds that never go back. */;
    monotonicMs(): number;
  };
  readonly random: { bytes(count: number): Uint8Array /** 0 ≤ x < 1. */; fraction(): number };
  readonly log: Log;
  /** The pod's name, or the host's: for people. */
  readonly instanceName: string;
  readonly sealingKeys: readonly SealingKey[];
  readonly spoolFolder: string;
  readonly listen: { readonly host: string /** 0: a free one. */; readonly port: number };
};

export type DataPlane = AsyncDisposable & {
  readonly address: { readonly host: string; readonly port: number };
  readonly instance: string;
  /** Every key and credential is known and a snapshot serves. Until then, calls get 503. */
  readonly ready: Promise<void>;
  /** Takes no new calls, lets those in flight end for `graceMs`, ends the rest with an error in their protocol, and hands over the books. */
  close(graceMs: number): Promise<void>;
};

/** Rejects when the address can't be bound. */
export async function createDataPlane(ports: DataPlanePorts): Promise<DataPlane> {
  const { bus, log, clock, random } = ports;
  const instance = Buffer.from(random.bytes(16)).toString("hex");
  const live = new Roster<Exchange>();
  let runtime: Runtime | undefined;
  let draining = false;
  let count = 0;

  const deadlines = new Deadlines(clock.monotonicMs);
  const pools = new OriginPools();
  const spool = new UsageSpool({ folder: ports.spoolFolder, instance, bus, log });
  const subscription = new Subscription({
    bus,
    log,
    instance,
    instanceName: ports.instanceName,
    startedAtMs: clock.wallMs(),
    sealingKeys: ports.sealingKeys,
    onRuntime: (next) => {
      runtime = next;
      const serving = new Set([next]);
      live.forEach((exchange) => {
        if (exchange.runtime !== undefined) serving.add(exchange.runtime);
      });
      pools.keepOnly(originsOf(serving));
    },
    onRevoked: (hash) => {
      live.forEach((exchange) => {
        if (exchange.keyHash === hash) exchange.underWay?.abort("revoked");
      });
    },
  });
  const pipeline: PipelinePorts = {
    keys: subscription.keys,
    credentials: subscription.credentials,
    pools,
    deadlines,
    random: () => random.fraction(),
    monotonicMs: clock.monotonicMs,
    draining: () => draining,
    record: (members) => spool.record(members),
    onFault: (exchange) =>
      log.error("an exchange failed by a fault of ours", { requestId: exchange.id, error: exchange.fault }),
  };

  const idPrefix = `req_${instance.slice(0, 12)}`;
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const exchange = createExchange({
      id: idPrefix + (++count).toString(36).padStart(8, "0"),
      incoming,
      outgoing,
      runtime,
      startedAtMs: clock.wallMs(),
      startedAt: clock.monotonicMs(),
    });
    live.add(exchange);
    outgoing.on("close", () => {
      if (outgoing.writableFinished) return;
      exchange.gone = true;
      exchange.underWay?.abort("gone");
    });
    void runPipeline(exchange, pipeline).finally(() => live.remove(exchange));
  };

  const { server, host, port } = await listen(ports.listen, onRequest);
  await spool.start();
  const ready = subscription.start();
  ready.catch(() => undefined); // whoever awaits it is told

  const close = async (graceMs: number) => {
    draining = true;
    server.close();
    server.closeIdleConnections();
    const until = clock.monotonicMs() + graceMs;
    while (live.size > 0 && clock.monotonicMs() < until) await pause();
    live.forEach((exchange) => {
      exchange.underWay?.abort("draining");
    });
    while (live.size > 0 && clock.monotonicMs() < until + endMs) await pause();
    server.closeAllConnections();
    await spool.close(handOverMs);
    await subscription[Symbol.asyncDispose]();
    await pools[Symbol.asyncDispose]();
    deadlines[Symbol.dispose]();
  };
  return { address: { host, port }, instance, ready, close, [Symbol.asyncDispose]: () => close(0) };
}

/** Exchanges that were told to end have this long to write their last event. */
const endMs = 200;
/** What the ledger has not taken by then stays in the spool. */
const handOverMs = 400;

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

function originsOf(runtimes: Iterable<Runtime>): Set<string> {
  const origins = new Set<string>();
  for (const runtime of runtimes) {
    for (const gateway of runtime.gateways) {
      for (const route of gateway.routes) for (const target of route.tiers.flat()) origins.add(target.provider.origin);
    }
  }
  return origins;
}
