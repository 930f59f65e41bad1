/**
 * What `sluice up` is made of: one folder, one record, one bus in memory, both planes, and the simulator. Composition only;
 * what cannot wait is started side by side, since a start has three seconds.
 */

import { rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { createMemoryBus } from "@sluice/bus";
import { sealingKey, virtualKeyDisplay, virtualKeyFrom, virtualKeyHash } from "@sluice/contract";
import { createControlPlane, openPgliteStore, openPostgresStore, type Store } from "@sluice/control-plane";
import { createDataPlane, loadError } from "@sluice/data-plane";
import { createSimulator } from "@sluice/simulators";
import { readUpRecord, type UpRecord } from "../client/connection.ts";
import { CommandError } from "../command-error.ts";
import { version } from "../version.ts";
import { kubeconfig } from "./admin-certificate.ts";
import type { Ready } from "./banner.ts";
import { builtInProviders } from "./built-in-providers.ts";
import { type DataFolder, makeFolder, openDataFolder, writeWhole } from "./data-folder.ts";
import type { UpSettings } from "./environment.ts";
import { lockFolder } from "./folder-lock.ts";
import { createLog, type JsonLog } from "./log.ts";
import { findOllama } from "./ollama.ts";
import { chooseListen } from "./ports.ts";
import { preparedFolder } from "./prepared-folder.ts";
import { bootId, processClock, processRandom } from "./process-ports.ts";
import { writeSampleResources } from "./sample-resources.ts";

export type Running = {
  readonly ready: Omit<Ready, "command">;
  close(): Promise<void>;
};

/** Calls in flight have this long to end after a Ctrl-C. */
const graceMs = 300;

/** Throws a `CommandError` when it can't; undefined when `stop` came first. Whatever was begun is then ended again. */
export async function composeUp(settings: UpSettings, stop: AbortSignal): Promise<Running | undefined> {
  await using begun = new AsyncDisposableStack();
  makeFolder(settings.folder);
  const lock = lockFolder(settings.folder);
  if (lock.kind === "busy") throw new CommandError(alreadyRuns(settings.folder, lock.pid));
  begun.defer(() => lock.release());
  const folder = await openDataFolder(settings.folder, { bytes: processRandom.bytes, nowMs: processClock.wallMs });

  const key = folder.isNew ? virtualKeyFrom(processRandom.bytes(32)) : undefined;
  if (key !== undefined)
    writeSampleResources(folder.resources, { hash: virtualKeyHash(key), display: virtualKeyDisplay(key) });
  const log = createLog(settings.logLevel, (line) => process.stderr.write(line), processClock.wallMs);

  const listen = await chooseListen({ data: settings.listen, admin: settings.adminListen });
  const [store, ollama, simulator] = await Promise.all([
    openStore(settings, folder, log).then((opened) => begun.use(opened)),
    findOllama(),
    startSimulator(begun, listen.data.port),
  ]);
  const providers = builtInProviders({ vendorKeys: settings.vendorKeys, ollama, simulator });
  const hub = createMemoryBus({ nowMs: processClock.monotonicMs });
  const sealing = sealingKey(folder.sealingKey);

  const controlPlane = begun.use(
    await createControlPlane({
      store,
      bus: begun.use(hub.connect()),
      clock: processClock,
      random: processRandom,
      log,
      sealingKey: sealing,
      loadError,
      resourcesFolder: folder.resources,
      secretsFolder: folder.secrets,
      memorySecrets: providers.secrets,
      builtIn: providers.resources,
      ...(listen.data.port !== 0 && { dataPlaneUrl: urlOf(listen.data) }),
      admin: { listen: { ...listen.admin, tls: folder.adminCertificate }, token: folder.adminToken, version },
    }),
  );
  const dataPlane = await createDataPlane({
    bus: begun.use(hub.connect()),
    clock: processClock,
    random: processRandom,
    log,
    instanceName: hostname(),
    sealingKeys: [sealing],
    spoolFolder: folder.spool,
    journal: { folder: folder.journal, bootId: bootId(), owner: hostname() },
    listen: listen.data,
  });
  begun.defer(() => dataPlane.close(graceMs));
  await Promise.race([dataPlane.ready, aborted(stop)]);
  if (stop.aborted) return undefined;

  const record: UpRecord = {
    pid: process.pid,
    admin: urlOf(controlPlane.adminAddress ?? listen.admin),
    url: urlOf(dataPlane.address),
  };
  const server = record.admin.replace("http:", "https:");
  writeWhole(
    join(folder.path, "kubeconfig"),
    kubeconfig({ server, token: folder.adminToken, ...folder.adminCertificate }),
  );
  const recordFile = join(folder.path, "up.json");
  writeWhole(recordFile, `${JSON.stringify(record)}\n`);
  begun.defer(() => rmSync(recordFile, { force: true }));

  const { real, simulated } = providers;
  const ready = { ...record, folder: folder.path, key, real, simulated, busyPorts: listen.passed };
  const running = begun.move();
  return { ready, close: () => running.disposeAsync() };
}

async function openStore(settings: UpSettings, folder: DataFolder, log: JsonLog): Promise<Store> {
  const ports = { nowMs: processClock.wallMs, log };
  const { databaseUrl } = settings;
  try {
    if (databaseUrl !== undefined) return await openPostgresStore(databaseUrl, ports);
    return await openPgliteStore({ folder: folder.pgdata, prepared: preparedFolder() }, ports);
  } catch (error) {
    const place = databaseUrl === undefined ? folder.pgdata : "the database of DATABASE_URL";
    throw new CommandError(`can't use ${place}. ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** On the port after the pair's, so that its address, and with it the compiled snapshot, stays the same from start to start. */
async function startSimulator(begun: AsyncDisposableStack, dataPort: number) {
  const simulator = begun.use(createSimulator({ recordedMax: 0, nowMs: processClock.wallMs }));
  if (dataPort === 0) return simulator.listen();
  return simulator.listen({ port: dataPort + 2 }).catch(() => simulator.listen());
}

function alreadyRuns(folder: string, pid: number): string {
  const record = readUpRecord(folder);
  const where = record === undefined ? "it is just starting" : `at ${record.url}, admin API ${record.admin}`;
  return `one runs already in ${folder} (process ${pid}), ${where}. Stop it with \`kill ${pid}\`, or start another with --data-dir`;
}

function urlOf({ host, port }: { host: string; port: number }): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
