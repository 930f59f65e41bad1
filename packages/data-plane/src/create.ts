/** The data plane: wires the given ports to the listener and the pipeline. Composition only; what happens is elsewhere. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { accountId, type Bus, type SealingKey } from "@sluice/contract";
import { Holder, type HolderSnapshot, type Identity } from "@sluice/limits";
import { Deadlines } from "./deadlines.ts";
import { createExchange, type Exchange } from "./exchange.ts";
import { Journal } from "./journal/journal.ts";
import type { JournalLease } from "./journal/record.ts";
import { LeaseKeeper } from "./limits/lease-keeper.ts";
import { LimitDesk } from "./limits/limit-desk.ts";
import { takeOver } from "./limits/take-over.ts";
import { listen } from "./listener.ts";
import type { Log } from "./log.ts";
import { type PipelinePorts, runPipeline } from "./pipeline/run.ts";
import { settle } from "./pipeline/settle.ts";
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
  readonly journal: {
    /** This process's alone. In a cluster, of memory: see `docs/limits.md`. */
    readonly folder: string;
    /** Of the running kernel. */
    readonly bootId: string;
    /** The pod, or the host. */
    readonly owner: string;
  };
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
  const moment = () => ({ nowMs: clock.monotonicMs(), wallMs: clock.wallMs() });
  await using begun = new AsyncDisposableStack();
  const { journal, predecessor } = Journal.open({ ...ports.journal, log });
  begun.use(journal);
  const spool = new UsageSpool({
    ...{ folder: ports.spoolFolder, instance, bus, log },
    onWritten: (seq) => journal.append({ kind: "spooled", seq }),
    onFolded: (fromSeq, events) => journal.append({ kind: "folded", fromSeq, events }),
  });
  const hex = (count: number) => Buffer.from(random.bytes(count)).toString("hex");
  const newIdentity = (): Identity => ({
    ...{ session: hex(16), incarnation: 1, secret: hex(16), instanceName: ports.instanceName },
  });
  const taken = predecessor && takeOver(predecessor, { instanceName: ports.instanceName, wallMs: clock.wallMs() });
  for (const flaw of predecessor?.complete === false ? predecessor.flaws : [])
    log.warn("the journal of an earlier start is not complete: what it had leased counts as spent", { flaw });
  if (taken?.events !== undefined) await spool.recoverInto(taken.events.instance, taken.events.numbered);
  const killed = taken?.events?.killed ?? [];
  const holder =
    taken?.session === undefined
      ? new Holder(newIdentity(), random.fraction)
      : Holder.restore(taken.session.identity, {
          snapshot: taken.session.snapshot,
          random: random.fraction,
          ...moment(),
        });
  journal.begin({
    ...{ session: holder.identity.session, incarnation: holder.identity.incarnation, secret: holder.identity.secret },
    ...{ instance, leases: restoredLeases(taken?.session?.snapshot) },
    // Under this process's name: the killed one's numbers are its own, and it may turn out to live.
    events: killed.map((members, index) => ({ seq: spool.nextSeq + index, members })),
  });
  for (const members of killed) spool.record(members);
  const keeper = new LeaseKeeper({
    ...{ bus, journal, holder, newIdentity, random: random.fraction, moment, log },
    onNews: () => desk.serveWaiting(),
  });
  const desk: LimitDesk = new LimitDesk({
    ...{ journal, moment, log },
    holder: () => keeper.holder,
    onShort: () => keeper.wake(),
    spoolState: () => spool.state,
  });
  const subscription = new Subscription({
    bus,
    log,
    instance,
    instanceName: ports.instanceName,
    startedAtMs: clock.wallMs(),
    sealingKeys: ports.sealingKeys,
    onRuntime: (next) => {
      runtime = next;
      keeper.useLimits(next.limits.plans);
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
    desk,
    draining: () => draining,
    finish: (exchange) => {
      const members = settle(exchange, clock.monotonicMs());
      // Before the spool has it on disk, the journal has it.
      desk.finish(exchange.ended, { exchange, event: { seq: spool.nextSeq, members } });
      spool.record(members);
    },
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
  await keeper.start();
  const ready = subscription.start();
  ready.catch(() => undefined); // whoever awaits it is told
  // What was begun lives on; until here a failure ends it.
  begun.move();

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
    await keeper.close(handOverMs);
    await spool.close(handOverMs);
    desk[Symbol.dispose]();
    journal.close();
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

/** What a successor has settled of its predecessor's leases: the journal goes on from there. */
function restoredLeases(snapshot: HolderSnapshot | undefined): JournalLease[] {
  return (snapshot?.leases ?? []).map(({ family, window, granted, returned, settled, reserved, share, rateMs }) => ({
    ...{ key: accountId(family, window), granted },
    returned: share === "none" ? returned : granted,
    settled: share === "none" ? settled + reserved : settled,
    ...(share !== "none" && { share }),
    ...(rateMs !== null && { rateMs }),
  }));
}

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
