/**
 * An installation of Sluice in this process: a control plane on a record in memory, data planes on one bus, simulated vendors
 * whose bill is the truth, and a clock that can be moved on.
 */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBus } from "@sluice/bus";
import { sealingKey, virtualKeyFrom, virtualKeyHash } from "@sluice/contract";
import { createControlPlane, type Log, openPgliteStore, openPostgresStore, type Store } from "@sluice/control-plane";
import { createDataPlane, type DataPlane, loadError } from "@sluice/data-plane";
import { createSimulator, type Simulator, type SimulatorOptions } from "@sluice/simulators";
import OpenAI, { type ClientOptions } from "openai";
import { builtInProviders } from "../../packages/cli/src/compose/built-in-providers.ts";
import { writeSampleResources } from "../../packages/cli/src/compose/sample-resources.ts";
import { eventually } from "./eventually.ts";
import { type SimulatedClock, simulatedClock } from "./simulated-clock.ts";

export type Resource = {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
};
export type Subject = { readonly team?: string; readonly service?: string; readonly user?: string };

/** What a resource is to the admin API. */
export type Applied = Resource & {
  readonly metadata: { readonly generation: number; readonly uid: string };
  readonly status: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
    readonly [member: string]: unknown;
  };
};

export type Installation = AsyncDisposable & {
  readonly clock: SimulatedClock;
  readonly store: Store;
  readonly simulator: Simulator;
  readonly planes: readonly DataPlane[];
  /** Where a Provider finds the vendor. */
  readonly openaiUrl: string;
  readonly admin: { readonly url: string; readonly token: string };
  /** What the planes logged as an error, each line whole. */
  readonly errors: readonly string[];
  addPlane(): Promise<DataPlane>;
  /** One more replica; the first one serves the admin API. */
  addControlPlane(): Promise<void>;
  /** All of them; the record stays. */
  stopControlPlanes(): Promise<void>;
  /** Creates or replaces, and waits until every data plane has it. */
  apply(...resources: readonly Resource[]): Promise<void>;
  read(kind: string, name: string): Promise<Applied>;
  remove(kind: string, name: string): Promise<void>;
  /** The admin API beside the resources; throws on anything but a 2xx. */
  call<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Issues a virtual key. */
  issue(name: string, subject: Subject): Promise<string>;
  /** The vendor's own client, on one of the data planes. */
  client(key: string, options?: ClientOptions & { readonly plane?: number }): OpenAI;
};

export type InstallationOptions = {
  readonly planes?: number;
  readonly controlPlanes?: number;
  /** Unix milliseconds. */
  readonly startMs?: number;
  readonly behaviour?: SimulatorOptions["behaviour"];
  /** `namespace/name/key` → value. */
  readonly secrets?: ReadonlyMap<string, string>;
  /** What a first `sluice up` begins with, in place of one Gateway, Provider and Route. */
  readonly sample?: boolean;
  /** A PostgreSQL; left out: PGlite in memory. */
  readonly databaseUrl?: string;
};

/** A Tuesday of the past, at night. */
export const tuesdayMs = Date.UTC(2026, 0, 6, 1, 30);

const plurals: Readonly<Record<string, string>> = {
  Budget: "budgets",
  Gateway: "gateways",
  Provider: "providers",
  RateLimit: "ratelimits",
  Route: "routes",
  VirtualKey: "virtualkeys",
};

export async function startInstallation(options: InstallationOptions = {}): Promise<Installation> {
  await using begun = new AsyncDisposableStack();
  const clock = simulatedClock(options.startMs ?? tuesdayMs);
  const folder = mkdtempSync(join(tmpdir(), "sluice-scenario-"));
  begun.defer(() => rmSync(folder, { recursive: true, force: true }));
  const errors: string[] = [];
  const log = errorLog(errors);

  const simulator = begun.use(
    createSimulator({ nowMs: clock.wallMs, ...(options.behaviour && { behaviour: options.behaviour }) }),
  );
  const vendors = await simulator.listen();
  const { openaiUrl } = vendors;
  const ports = { nowMs: clock.wallMs, log };
  const { databaseUrl } = options;
  const store = begun.use(
    databaseUrl === undefined ? await openPgliteStore({}, ports) : await openPostgresStore(databaseUrl, ports),
  );
  const hub = createMemoryBus({ nowMs: clock.monotonicMs });
  const random = { bytes: (count: number) => randomBytes(count), fraction: Math.random };
  const sealing = sealingKey(randomBytes(32));
  const token = randomBytes(16).toString("hex");
  const resourcesFolder = join(folder, "resources");
  if (options.sample)
    writeSampleResources(resourcesFolder, {
      hash: virtualKeyHash(virtualKeyFrom(randomBytes(32))),
      display: "sk-sluice-sample…",
    });
  const sample = options.sample && {
    resourcesFolder,
    builtIn: builtInProviders({
      vendorKeys: { openai: undefined, anthropic: undefined },
      ollama: undefined,
      simulator: vendors,
    }).resources,
  };
  const admin = { url: "", token };
  let controlPlanes = new AsyncDisposableStack();
  begun.defer(() => controlPlanes.disposeAsync());
  let replicas = 0;
  async function addControlPlane(): Promise<void> {
    const isFirst = replicas++ === 0;
    const plane = await createControlPlane({
      ...{ clock, random, log, loadError, ...sample },
      // As in a cluster, each replica has connections of its own.
      store:
        isFirst || databaseUrl === undefined ? store : controlPlanes.use(await openPostgresStore(databaseUrl, ports)),
      bus: controlPlanes.use(hub.connect()),
      sealingKey: sealing,
      memorySecrets: options.secrets ?? new Map(),
      ...(isFirst && { admin: { listen: { host: "127.0.0.1", port: 0 }, token, version: "0.0.0-test" } }),
    });
    controlPlanes.use(plane);
    if (isFirst) admin.url = `http://127.0.0.1:${plane.adminAddress?.port}`;
  }
  async function stopControlPlanes(): Promise<void> {
    await controlPlanes.disposeAsync();
    controlPlanes = new AsyncDisposableStack();
    replicas = 0;
  }
  for (let count = 0; count < (options.controlPlanes ?? 1); count++) await addControlPlane();

  const planes: DataPlane[] = [];
  const closing = new AsyncDisposableStack();
  begun.use(closing);
  async function addPlane(): Promise<DataPlane> {
    const name = `gateway-${planes.length}`;
    const plane = await createDataPlane({
      ...{ clock, random, log },
      bus: closing.use(hub.connect()),
      instanceName: name,
      sealingKeys: [sealing],
      spoolFolder: join(folder, name, "spool"),
      journal: { folder: join(folder, name, "journal"), bootId: "scenario", owner: name },
      listen: { host: "127.0.0.1", port: 0 },
    });
    planes.push(plane);
    // Before what it stands on, whenever it was added.
    closing.use(plane);
    return plane;
  }

  async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(admin.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text) as Answer;
    throw new AdminRefusal(`${method} ${path}: ${answer.status} ${text}`, answer.status);
  }
  const read = (kind: string, name: string) => call<Applied>("GET", `${collection(kind)}/${name}`);

  async function write(resource: Resource): Promise<Applied> {
    const { kind, metadata } = resource;
    const body = { apiVersion: "sluice.dev/v1alpha1", ...resource };
    try {
      await read(kind, metadata.name);
    } catch (error) {
      if (error instanceof AdminRefusal && error.status === 404) return call("POST", collection(kind), body);
      throw error;
    }
    return call("PUT", `${collection(kind)}/${metadata.name}`, body);
  }

  const installation: Omit<Installation, keyof AsyncDisposable> = {
    ...{
      clock,
      store,
      simulator,
      planes,
      openaiUrl,
      admin,
      errors,
      addPlane,
      addControlPlane,
      stopControlPlanes,
      call,
      read,
    },
    async apply(...resources) {
      const written: Applied[] = [];
      for (const resource of resources) written.push(await write(resource));
      for (const { kind, metadata } of written)
        await eventually(`${kind} ${metadata.name} on every data plane`, async () => {
          const { status } = await read(kind, metadata.name);
          const programmed = status.conditions?.find(({ type }) => type === "Programmed");
          if ((status.observedGeneration ?? 0) >= metadata.generation && programmed?.status === "True") return true;
          return JSON.stringify(status);
        });
    },
    async remove(kind, name) {
      await call("DELETE", `${collection(kind)}/${name}`);
      await eventually(`${kind} ${name} gone from every data plane`, async () => {
        const { items } = await call<{ items: Applied[] }>("GET", collection("Gateway"));
        return items.every(({ status }) => {
          const { current, desired } = (status.dataPlanes ?? {}) as { current?: number; desired?: number };
          return current !== undefined && current === desired;
        });
      });
    },
    async issue(name, subject) {
      const key = virtualKeyFrom(randomBytes(32));
      const spec = { subject, hash: virtualKeyHash(key) };
      await installation.apply({ kind: "VirtualKey", metadata: { name }, spec });
      return key;
    },
    client(key, { plane = 0, ...clientOptions } = {}) {
      const { port } = planes[plane]?.address ?? {};
      return new OpenAI({ apiKey: key, baseURL: `http://127.0.0.1:${port}/api/inference/v1`, ...clientOptions });
    },
  };

  for (let count = 0; count < (options.planes ?? 1); count++) await addPlane();
  if (!options.sample)
    await installation.apply(
      { kind: "Gateway", metadata: { name: "main" }, spec: { unbudgeted: "Allow" } },
      {
        kind: "Provider",
        metadata: { name: "openai" },
        spec: { type: "OpenAI", baseUrl: openaiUrl, credential: { type: "None" } },
      },
      {
        kind: "Route",
        metadata: { name: "all" },
        spec: { models: ["*"], targets: [{ name: "openai", providerRef: { name: "openai" } }] },
      },
    );
  await Promise.all(planes.map(({ ready }) => ready));
  const running = begun.move();
  return { ...installation, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

class AdminRefusal extends Error {
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

function collection(kind: string): string {
  return `/apis/sluice.dev/v1alpha1/namespaces/default/${plurals[kind]}`;
}

function errorLog(errors: string[]): Log {
  const nothing = () => undefined;
  return {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (message, fields) => {
      const text = JSON.stringify(fields, (_name, value) => {
        if (value instanceof Error) return value.stack;
        return typeof value === "bigint" ? String(value) : value;
      });
      errors.push(`${message} ${text}`);
    },
  };
}
