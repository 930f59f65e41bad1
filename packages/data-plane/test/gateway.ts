/** A data plane on a memory bus, with a snapshot, keys and credentials as a control plane would publish them. */

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBus } from "@sluice/bus";
import {
  canonicalJson,
  digestOf,
  type GatewayPlan,
  type KeyEntry,
  type ProviderPlan,
  type RoutePlan,
  seal,
  sealingKey,
  type UsageEvent,
  usageEvent,
  virtualKeyFrom,
  virtualKeyHash,
} from "@sluice/contract";
import { createDataPlane } from "../src/index.ts";

export type TestProvider = {
  name: string;
  url: string;
  protocol?: "openai" | "anthropic";
  credential?: string;
  headers?: [string, string][];
  models?: string[];
};
export type TestTarget = { provider: string; model?: string; weight?: number; tier?: number };
export type TestRoute = {
  name?: string;
  namespace?: string;
  models: string[];
  targets: TestTarget[];
  retry?: Partial<RoutePlan["retry"]>;
  timeouts?: Partial<RoutePlan["timeouts"]>;
};
export type TestGateway = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  readonly key: string;
  /** Issues a key; what is left out is as in `key`. */
  issue(entry?: Partial<KeyEntry>): Promise<string>;
  setKey(key: string, entry: Partial<KeyEntry>): Promise<void>;
  publish(routes: TestRoute[], gateway?: Partial<GatewayPlan>): Promise<void>;
  publishRaw(body: string): Promise<void>;
  /** Usage events that came over the bus; waits until there are `count`. */
  usage(count: number): Promise<UsageEvent[]>;
  acknowledgement(): Promise<Record<string, unknown>>;
  close(graceMs: number): Promise<void>;
  readonly logged: string[];
};

export async function startGateway(input: {
  providers: TestProvider[];
  routes: TestRoute[];
  gateway?: Partial<GatewayPlan>;
}): Promise<TestGateway> {
  const bus = createMemoryBus().connect();
  const sealing = sealingKey(randomBytes(32));
  const events: UsageEvent[] = [];
  const logged: string[] = [];
  let revision = 0;

  const publishRaw = async (body: string) => {
    revision++;
    await bus.bucket("snapshots").put(`revision.${revision}`, Buffer.from(body));
    const pointer = { revision, digest: digestOf(body), key: `revision.${revision}` };
    await bus.bucket("snapshots").put("current", Buffer.from(JSON.stringify(pointer)));
  };
  const publish = (routes: TestRoute[], gateway: Partial<GatewayPlan> = {}) => {
    return publishRaw(
      canonicalJson({
        format: 1,
        minReader: 1,
        gateways: [gatewayPlan(routes, gateway)],
        providers: input.providers.map(providerPlan),
      }),
    );
  };
  const setKey = async (key: string, entry: Partial<KeyEntry>) => {
    const whole: KeyEntry = {
      id: "default/dev",
      namespace: "default",
      state: "Active",
      team: "search",
      service: "web",
      user: "ada",
      metadata: { env: "test" },
      ...entry,
    };
    await bus.bucket("keys").put(virtualKeyHash(key), Buffer.from(JSON.stringify(whole)));
  };
  const issue = async (entry: Partial<KeyEntry> = {}) => {
    const key = virtualKeyFrom(randomBytes(32));
    await setKey(key, entry);
    return key;
  };

  for (const provider of input.providers) {
    if (provider.credential === undefined) continue;
    const id = credentialId(provider);
    const sealed = seal({ key: sealing, context: id, plain: Buffer.from(provider.credential), nonce: randomBytes(12) });
    await bus
      .bucket("credentials")
      .put(id, Buffer.from(JSON.stringify({ sealed: Buffer.from(sealed).toString("base64") })));
  }
  await publish(input.routes, input.gateway);
  const key = await issue();
  await bus.stream("usage").consume("ledger", async ({ value }) => {
    const batch = Buffer.from(value)
      .toString()
      .trim()
      .split("\n")
      // Every event that any test causes is one by the contract.
      .map((line) => usageEvent.parse(JSON.parse(line)));
    events.push(...batch);
    const last = batch.at(-1);
    if (last !== undefined)
      await bus.bucket("ledger").put(last.instance, Buffer.from(JSON.stringify({ seq: last.seq })));
  });

  const spoolFolder = await mkdtemp(join(tmpdir(), "sluice-spool-"));
  const note = (message: string, fields?: object) =>
    void logged.push(
      `${message} ${JSON.stringify(fields, (_key, value) => (value instanceof Error ? value.stack : value))}`,
    );
  const plane = await createDataPlane({
    bus,
    clock: { wallMs: Date.now, monotonicMs: () => performance.now() },
    random: { bytes: (count) => randomBytes(count), fraction: Math.random },
    log: { debug: note, info: note, warn: note, error: note },
    instanceName: "test",
    sealingKeys: [sealing],
    spoolFolder,
    journal: { folder: join(spoolFolder, "journal"), bootId: "boot", owner: "test" },
    listen: { host: "127.0.0.1", port: 0 },
  });
  await plane.ready;
  const url = `http://127.0.0.1:${plane.address.port}`;
  return {
    url,
    port: plane.address.port,
    key,
    issue,
    setKey,
    publish,
    publishRaw,
    logged,
    async usage(count) {
      await waitFor(() => events.length >= count, `${count} usage events, there are ${events.length}`);
      return events;
    },
    async acknowledgement() {
      const [instance = ""] = await bus.bucket("instances").keys();
      const entry = await bus.bucket("instances").get(instance);
      return JSON.parse(Buffer.from(entry?.value ?? Buffer.from("{}")).toString());
    },
    close: (graceMs) => plane.close(graceMs),
    async [Symbol.asyncDispose]() {
      await plane.close(0);
      await bus[Symbol.asyncDispose]();
      await rm(spoolFolder, { recursive: true, force: true });
    },
  };
}

/** Polls until `condition` holds; throws, naming what was waited for, after ten seconds. */
export async function waitFor(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const until = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`waited ten seconds for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function credentialId(provider: TestProvider): string {
  return `default/${provider.name}/api-key`;
}

function providerPlan(provider: TestProvider): ProviderPlan {
  const { origin, pathname } = new URL(provider.url);
  const protocol = provider.protocol ?? "openai";
  return {
    id: `default/${provider.name}`,
    protocol,
    origin,
    basePath: pathname === "/" ? "/v1" : pathname,
    ...(provider.credential === undefined
      ? {}
      : {
          auth: { header: protocol === "openai" ? "authorization" : "x-api-key", credential: credentialId(provider) },
        }),
    headers: provider.headers ?? [],
    ...(provider.models === undefined ? {} : { models: provider.models }),
    outputCapField: "max_completion_tokens",
    catalog: [],
  };
}

function gatewayPlan(routes: TestRoute[], overrides: Partial<GatewayPlan>): GatewayPlan {
  return {
    id: "default/main",
    namespace: "default",
    hostnames: [],
    basePath: "/api/inference",
    servesRoot: true,
    bodyBytesMax: 32 * 1024 * 1024,
    routeOverrides: false,
    unbudgeted: "Allow",
    onOverflow: "Fold",
    routes: routes.map(routePlan),
    ...overrides,
  };
}

function routePlan(route: TestRoute): RoutePlan {
  const tiers: RoutePlan["tiers"] = [];
  for (const [index, target] of route.targets.entries()) {
    const tier = target.tier ?? 0;
    tiers[tier] ??= [];
    tiers[tier].push({
      name: `t${index}`,
      provider: `default/${target.provider}`,
      weight: target.weight ?? 1,
      ...(target.model === undefined ? {} : { model: target.model }),
    });
  }
  const namespace = route.namespace ?? "default";
  return {
    id: `${namespace}/${route.name ?? "chat"}`,
    namespace,
    models: route.models,
    tiers,
    retry: { attempts: 2, on: ["ConnectFailure", "Timeout", "RateLimited", "ServerError"], ...route.retry },
    timeouts: { firstByteMs: 20_000, firstByteForWhole: false, idleMs: 20_000, totalMs: 60_000, ...route.timeouts },
    onAbort: "Cancel",
  };
}
