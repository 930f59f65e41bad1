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
  type LimitPlan,
  type LimitRule,
  type ModelPlan,
  type PricePlan,
  type ProviderPlan,
  type RoutePlan,
  type StopPlan,
  seal,
  sealingKey,
  type UsageEvent,
  usageEvent,
  virtualKeyFrom,
  virtualKeyHash,
} from "@sluice/contract";
import { createDataPlane, type DataPlane } from "../src/index.ts";
import { MemoryRecord } from "./memory-record.ts";

export type TestProvider = {
  name: string;
  url: string;
  protocol?: "openai" | "anthropic";
  credential?: string;
  headers?: [string, string][];
  models?: string[];
  catalog?: Partial<ModelPlan>[];
  /** It names a credential that nobody has. */
  missingCredential?: boolean;
};
export type TestTarget = { provider: string; model?: string; weight?: number; tier?: number };
export type TestRoute = {
  name?: string;
  namespace?: string;
  models: string[];
  targets: TestTarget[];
  retry?: Partial<RoutePlan["retry"]>;
  timeouts?: Partial<RoutePlan["timeouts"]>;
  maxOutputTokens?: number;
  onAbort?: RoutePlan["onAbort"];
};
/** Money and limits of a snapshot. */
export type TestMoney = { prices?: Record<string, PricePlan>; limits?: LimitPlan[]; stops?: StopPlan[] };
export type TestGateway = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  readonly key: string;
  /** Issues a key; what is left out is as in `key`. */
  issue(entry?: Partial<KeyEntry>): Promise<string>;
  setKey(key: string, entry: Partial<KeyEntry>): Promise<void>;
  publish(routes: TestRoute[], gateway?: Partial<GatewayPlan>): Promise<void>;
  /** The same routes, under other limits. */
  publishMoney(money: TestMoney): Promise<void>;
  publishRaw(body: string): Promise<void>;
  /** Usage events that came over the bus; waits until there are `count`. */
  usage(count: number): Promise<UsageEvent[]>;
  acknowledgement(): Promise<Record<string, unknown>>;
  close(graceMs: number): Promise<void>;
  readonly logged: string[];
  readonly record: MemoryRecord;
  /** Of the data plane: its `journal` lies here. */
  readonly folder: string;
  /** What a second data plane on the same bus is made with. */
  start(folder: string): Promise<DataPlane>;
};

export async function startGateway(
  input: {
    providers: TestProvider[];
    routes: TestRoute[];
    gateway?: Partial<GatewayPlan>;
  } & TestMoney,
): Promise<TestGateway> {
  const bus = createMemoryBus().connect();
  const sealing = sealingKey(randomBytes(32));
  const events: UsageEvent[] = [];
  const logged: string[] = [];
  const record = new MemoryRecord();
  await record.listen(bus);
  let revision = 0;
  let money: TestMoney = input;
  let published: [TestRoute[], Partial<GatewayPlan>] = [input.routes, input.gateway ?? {}];

  const publishRaw = async (body: string) => {
    revision++;
    await bus.bucket("snapshots").put(`revision.${revision}`, Buffer.from(body));
    const pointer = { revision, digest: digestOf(body), key: `revision.${revision}` };
    await bus.bucket("snapshots").put("current", Buffer.from(JSON.stringify(pointer)));
  };
  const publish = (routes: TestRoute[], gateway: Partial<GatewayPlan> = {}) => {
    published = [routes, gateway];
    const { prices = {}, limits = [], stops = [] } = money;
    record.useLimits(limits);
    return publishRaw(
      canonicalJson({
        format: 2,
        minReader: 1,
        gateways: [gatewayPlan(routes, gateway)],
        providers: input.providers.map(providerPlan),
        ...{ prices, limits, stops },
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
  const start = (folder: string) =>
    createDataPlane({
      bus,
      // As in a process that runs for longer than this one: whoever asks another clock is found out.
      clock: { wallMs: Date.now, monotonicMs: () => 1e9 + performance.now() },
      random: { bytes: (count) => randomBytes(count), fraction: Math.random },
      log: { debug: note, info: note, warn: note, error: note },
      instanceName: "test",
      sealingKeys: [sealing],
      spoolFolder: folder,
      journal: { folder: join(folder, "journal"), bootId: "boot", owner: "test" },
      listen: { host: "127.0.0.1", port: 0 },
    });
  const plane = await start(spoolFolder);
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
    async publishMoney(next) {
      money = { ...money, ...next };
      await publish(...published);
      await waitFor(async () => {
        const entry = await bus.bucket("instances").get(plane.instance);
        return JSON.parse(Buffer.from(entry?.value ?? Buffer.from("{}")).toString()).revision === revision;
      }, `revision ${revision}`);
    },
    ...{ logged, record, folder: spoolFolder, start },
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
    ...(provider.credential === undefined && provider.missingCredential !== true
      ? {}
      : {
          auth: { header: protocol === "openai" ? "authorization" : "x-api-key", credential: credentialId(provider) },
        }),
    headers: provider.headers ?? [],
    ...(provider.models === undefined ? {} : { models: provider.models }),
    outputCapField: "max_completion_tokens",
    catalog: (provider.catalog ?? []).map((model) => ({ match: "*", byteLevelTokens: true, ...model })),
  };
}

/** Of an enforcing Budget, or a RateLimit where the unit is calls or slots; `uid` is the name. */
export function limitPlan(
  name: string,
  rules: (Partial<LimitRule> & Pick<LimitRule, "unit"> & { amount: string })[],
  overrides: Partial<LimitPlan> = {},
): LimitPlan {
  const isRate = rules.every(({ unit }) => unit === "requests" || unit === "slots");
  return {
    uid: name,
    kind: isRate ? "RateLimit" : "Budget",
    id: `default/${name}`,
    selector: {},
    per: [],
    rules: rules.map((rule) => ({ name: rule.unit, window: { kind: "lifetime" }, ...rule })),
    overrides: [],
    mode: "Enforce",
    whenShort: "Reject",
    maxWaitMs: 5_000,
    whenUnavailable: isRate ? "Allow" : "Refuse",
    accountsMax: 10_000,
    ...overrides,
  };
}

/** Dollars a million tokens. */
export function pricePlan(input: number, output: number, overrides: Partial<PricePlan> = {}): PricePlan {
  const [read, write] = [input * 1_000_000, output * 1_000_000];
  return {
    version: `test ${input}/${output}`,
    rates: {
      ...{ input: read, inputAudio: read, inputImage: read, cacheRead: read / 10 },
      ...{ cacheWrite5m: read, cacheWrite1h: read, cacheWriteOther: read },
      ...{ output: write, outputReasoning: write, outputAudio: write, outputImage: write },
    },
    tiers: [],
    serviceTiers: {},
    perCall: { webSearch: 10_000_000, webFetch: 0 },
    ...overrides,
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
    ...(route.maxOutputTokens === undefined ? {} : { maxOutputTokens: route.maxOutputTokens }),
    onAbort: route.onAbort ?? "Cancel",
  };
}
