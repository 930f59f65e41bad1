/** The control plane: wires the given ports to sources, reconcile, publishers, ledger, status and the admin API. Composition only. */

import type { Bus, SealingKey, Snapshot } from "@sluice/contract";
import { nextEndMs } from "./acts/act.ts";
import { createActs } from "./acts/acts.ts";
import { createAdminApp } from "./admin/create.ts";
import { type AdminListen, serveAdmin } from "./admin/serve.ts";
import { alertPolicies } from "./alerts/alert-policy.ts";
import { Alerts } from "./alerts/alerts.ts";
import type { Clock } from "./clock.ts";
import { LeaseService } from "./leases/lease-service.ts";
import { Ledger } from "./ledger/ledger.ts";
import type { Log } from "./log.ts";
import { CredentialPublisher } from "./publish/credential-publisher.ts";
import { KeyPublisher } from "./publish/key-publisher.ts";
import { SnapshotPublisher } from "./publish/snapshot-publisher.ts";
import { Loop } from "./reconcile/loop.ts";
import { type Outcome, reconcile } from "./reconcile/reconcile.ts";
import { RecordCompiler } from "./reconcile/record-compiler.ts";
import { createRevoke, type Revoke } from "./revoke.ts";
import { checkedBuiltIn } from "./sources/built-in.ts";
import { type BuiltInResource, syncFolder } from "./sources/folder.ts";
import { ProblemLog } from "./sources/problem-log.ts";
import { ResourceFiles, type SourceProblem } from "./sources/resource-files.ts";
import { Secret } from "./sources/secret.ts";
import { secretSource } from "./sources/secrets.ts";
import { WatchedFolder } from "./sources/watched-folder.ts";
import { AccountWatch } from "./status/account-watch.ts";
import { Instances } from "./status/instances.ts";
import { SentResources } from "./status/progress.ts";
import { writeStatuses } from "./status/status-writer.ts";
import type { Store } from "./store/store.ts";

export type ControlPlanePorts = {
  /** Stays the caller's: it is not closed with the control plane. */
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: { /** Unix milliseconds. */ wallMs(): number };
  readonly random: { bytes(count: number): Uint8Array };
  readonly log: Log;
  /** Of this installation's two planes. */
  readonly sealingKey: SealingKey;
  /** The data plane's own loader: why it would refuse a snapshot, if it would. */
  readonly loadError: (snapshot: Snapshot) => string | undefined;
  /** YAML files, watched. */
  readonly resourcesFolder?: string;
  /** Files `namespace/name/key`, watched. */
  readonly secretsFolder?: string;
  /** Values by `namespace/name/key`; they go before the files and are written nowhere. */
  readonly memorySecrets?: ReadonlyMap<string, string>;
  /** Resources that are there unless the folder or the admin API has others of their names. */
  readonly builtIn?: readonly BuiltInResource[];
  /** Where Gateways live. */
  readonly systemNamespace?: string;
  /** Where callers reach the data planes, for the status of Gateways. */
  readonly dataPlaneUrl?: string;
  /** The admin API; absent: none is served. `version`: of Sluice, for its reports. */
  readonly admin?: { readonly listen: AdminListen; readonly token: string; readonly version: string };
};

export type ControlPlane = AsyncDisposable & {
  readonly store: Store;
  /** The record is on the bus for the first time. */
  readonly ready: Promise<void>;
  readonly revoke: Revoke;
  /** Where the admin API listens. */
  readonly adminAddress: { readonly host: string; readonly port: number } | undefined;
  /** What is wrong with the files of the resources folder, as of the last look. */
  sourceProblems(): readonly SourceProblem[];
};

const reconcileDebounceMs = 20;
const statusDebounceMs = 100;
/** Whoever acts by hand hears of it after so long, done or not. */
const reconcileWithinMs = 3_000;
/** What the bus lost is written again after this long at most. */
const reassertEveryMs = 60_000;

export async function createControlPlane(ports: ControlPlanePorts): Promise<ControlPlane> {
  const { store, bus, log, systemNamespace = "default" } = ports;
  const clock: Clock = { nowMs: ports.clock.wallMs, after };
  await using begun = new AsyncDisposableStack();

  const secrets = secretSource(secretsOf(ports.memorySecrets), ports.secretsFolder);
  const publishers = {
    snapshots: new SnapshotPublisher(bus.bucket("snapshots")),
    keys: new KeyPublisher(bus.bucket("keys")),
    credentials: new CredentialPublisher({
      bucket: bus.bucket("credentials"),
      secrets,
      sealingKey: ports.sealingKey,
      random: ports.random.bytes,
    }),
  };
  const { resourcesFolder } = ports;
  const builtIn = (ports.builtIn ?? []).map(checkedBuiltIn);
  const files = resourcesFolder === undefined ? undefined : new ResourceFiles(resourcesFolder);
  const problems = new ProblemLog(log);
  const compiler = new RecordCompiler(systemNamespace);
  const sent = new SentResources();
  let outcome: Outcome | undefined;
  /** The revision whose limits the lease service knows. */
  let limitsOf: number | undefined;

  const statuses = new Loop({
    name: "writing statuses",
    debounceMs: statusDebounceMs,
    clock,
    log,
    work: () => writeAll(),
  });
  const alerts = begun.use(new Alerts({ store, secrets, clock, log }));
  const accounts = new AccountWatch({
    ...{ store, alerts, clock, log },
    onChange: () => writeAll("LimitsInUse"),
    recall: (families) => leases.recall(families),
  });
  const leases = begun.use(
    new LeaseService({
      ...{ bus, store, clock, log, random: ports.random },
      onBooked: (booked, exhausted) => accounts.note(booked, exhausted),
    }),
  );
  async function writeAll(of: "All" | "LimitsInUse" = "All"): Promise<void> {
    if (outcome === undefined) return;
    const nowMs = clock.nowMs();
    const { dataPlaneUrl } = ports;
    const situation = {
      outcome,
      sent,
      instances: instances.all(),
      dataPlaneUrl,
      limits: accounts.situation(nowMs),
      nowMs,
    };
    await writeStatuses(store, situation, of);
  }
  const instances = new Instances({ clock, log, onChange: () => statuses.ask() });
  const reconciling = new Loop({
    name: "reconcile",
    debounceMs: reconcileDebounceMs,
    clock,
    log,
    work: async () => {
      problems.tell(await syncFolder({ store, files, builtIn }));
      const before = outcome;
      outcome = await reconcile({
        secrets,
        store,
        compile: (input) => compiler.compile(input),
        loadError: ports.loadError,
        publish: {
          credentials: (ids) => publishers.credentials.publish(ids),
          keys: (input) => publishers.keys.publish(input),
          snapshot: async (revision) => {
            // A limit holds from the moment that a data plane can ask for it.
            if (revision.revision !== limitsOf)
              await leases.useLimits(revision.snapshot.limits ?? [], revision.revision);
            limitsOf = revision.revision;
            await publishers.snapshots.publish(revision);
          },
        },
        nowMs: clock.nowMs,
      });
      tellOutcome(log, before, outcome);
      const { resources, acts: actsInForce, revision, refused } = outcome;
      accounts.useLimits(revision?.snapshot.limits ?? [], alertPolicies(resources));
      atNextEnd(nextEndMs(actsInForce));
      if (refused === undefined && revision !== undefined)
        sent.note(resources, { revision: revision.revision, keysRevision: publishers.keys.revision });
      statuses.ask();
    },
  });

  /** An act that is over is taken out by the next reconcile. */
  let cancelEnd: (() => void) | undefined;
  begun.defer(() => cancelEnd?.());
  function atNextEnd(endMs: number | undefined): void {
    cancelEnd?.();
    cancelEnd = undefined;
    if (endMs === undefined) return;
    const waitMs = Math.max(endMs - clock.nowMs(), 0);
    // Longer waits are counted again by then.
    if (waitMs < reassertEveryMs) cancelEnd = clock.after(waitMs + 1, () => reconciling.ask());
  }

  begun.defer(store.onChange((change) => change !== "status" && reconciling.ask()));
  for (const folder of [resourcesFolder, ports.secretsFolder])
    if (folder !== undefined) begun.use(new WatchedFolder(folder, clock, () => reconciling.ask()));
  begun.defer(
    every(reassertEveryMs, clock, () => {
      for (const publisher of Object.values(publishers)) publisher.recheck();
      reconciling.ask();
    }),
  );
  begun.use(accounts);
  begun.use(statuses);
  begun.use(reconciling);
  begun.use(instances);
  const ledger = begun.use(new Ledger({ bus, store, clock, log }));
  await instances.start(bus.bucket("instances"));
  await ledger.start();
  const revoke = createRevoke({ store, keys: publishers.keys, instances, nowMs: clock.nowMs });
  const acts = createActs({
    ...{ store, instances, nowMs: clock.nowMs },
    newId: () => `act_${Buffer.from(ports.random.bytes(8)).toString("hex")}`,
    reconcileNow: async () => {
      await atMost(reconciling.runToEnd(), reconcileWithinMs, clock);
      return outcome?.refused === undefined ? outcome?.revision?.revision : undefined;
    },
  });
  let isReady = false;
  reconciling.firstSuccess.then(
    () => {
      isReady = true;
    },
    () => undefined,
  );
  const admin = await serveAdminApi();
  reconciling.askNow();

  async function serveAdminApi() {
    if (ports.admin === undefined) return undefined;
    const { token, version, listen } = ports.admin;
    const closing = new AbortController();
    const app = createAdminApp({
      ...{ store, revoke, acts, token, version, log, nowMs: clock.nowMs, closing: closing.signal },
      instances: () => instances.all(),
      sourceProblems: () => problems.all,
      isReady: () => isReady,
    });
    const listener = begun.use(await serveAdmin(app, listen));
    begun.defer(() => closing.abort());
    return listener;
  }

  const running = begun.move();
  return {
    store,
    ready: reconciling.firstSuccess,
    revoke,
    adminAddress: admin?.address,
    sourceProblems: () => problems.all,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function tellOutcome(log: Log, before: Outcome | undefined, { revision, refused }: Outcome): void {
  if (revision !== undefined && revision.revision !== before?.revision?.revision)
    log.info("revision published", { revision: revision.revision, digest: revision.digest });
  if (refused !== undefined && refused !== before?.refused)
    log.error("the newest snapshot would be refused by the data planes, the last one stays", { reason: refused });
}

function secretsOf(values: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, Secret> {
  return new Map([...values].map(([id, value]) => [id, new Secret(value)]));
}

async function atMost(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  await Promise.race([work, promise]);
  cancel();
}

function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

function every(ms: number, clock: Clock, act: () => void): () => void {
  let cancel = clock.after(ms, again);
  function again() {
    cancel = clock.after(ms, again);
    act();
  }
  return () => cancel();
}
