/** A gateway with limits between a caller and the simulated vendors, whose bill it is compared with. */

import type { PricePlan, UsageEvent } from "@sluice/contract";
import { costNanoUsd } from "@sluice/metering";
import { type BillEntry, createSimulator, type Simulator, type SimulatorOptions } from "@sluice/simulators";
import { pricePlan, startGateway, type TestGateway, type TestMoney, type TestRoute } from "./gateway.ts";

export const prices: Record<string, PricePlan> = {
  "gpt-4o": pricePlan(2.5, 10),
  claude: pricePlan(3, 15, { serviceTiers: { priority: 2_000 } }),
  embedding: pricePlan(0.02, 0),
  free: pricePlan(0, 0),
};

export type Limited = AsyncDisposable & {
  readonly gateway: TestGateway;
  readonly simulator: Simulator;
  chat(fields?: object, options?: CallOptions): Promise<Response>;
  complete(fields?: object, options?: CallOptions): Promise<Response>;
  message(fields?: object, options?: CallOptions): Promise<Response>;
  embed(fields?: object, options?: CallOptions): Promise<Response>;
  /** The only usage event, or the latest of so many. */
  event(count?: number): Promise<UsageEvent>;
  /** What the vendors charge for all that was asked of them. */
  billed(): bigint;
  /** Ends the data plane, which gives back all that is not spent, and answers what is spent of a limit. */
  spent(limit: string, rule?: string): Promise<bigint>;
};
export type CallOptions = { key?: string; headers?: Record<string, string>; signal?: AbortSignal };

export async function startLimited(
  input: TestMoney & {
    behaviour?: SimulatorOptions["behaviour"];
    route?: Partial<TestRoute>;
    routes?: TestRoute[];
    /** A further provider, whose credential is not there. */
    unauthorized?: { name: string };
    gateway?: Parameters<typeof startGateway>[0]["gateway"];
  } = {},
): Promise<Limited> {
  const simulator = createSimulator(input.behaviour === undefined ? {} : { behaviour: input.behaviour });
  const { openaiUrl, anthropicUrl } = await simulator.listen();
  const openaiCatalog = [
    { match: "gpt-4o*", price: "gpt-4o", contextWindow: 128_000, maxOutputTokens: 16_384 },
    { match: "free*", price: "free", contextWindow: 128_000, maxOutputTokens: 16_384 },
    { match: "text-embedding*", price: "embedding", contextWindow: 8_192 },
    { match: "*", contextWindow: 128_000, maxOutputTokens: 16_384 },
  ];
  const gateway = await startGateway({
    providers: [
      {
        ...{ name: "openai", url: openaiUrl, protocol: "openai" },
        catalog: openaiCatalog,
      },
      {
        ...{ name: "anthropic", url: anthropicUrl, protocol: "anthropic" },
        catalog: [
          { match: "claude*", price: "claude", contextWindow: 200_000, maxOutputTokens: 64_000 },
          { match: "claude-haiku*", price: "claude", contextWindow: 200_000, maxOutputTokens: 64_000 },
        ],
      },
      ...(input.unauthorized === undefined
        ? []
        : [{ ...input.unauthorized, url: openaiUrl, missingCredential: true, catalog: openaiCatalog }]),
    ],
    routes: input.routes ?? [
      {
        models: ["*"],
        targets: [{ provider: "openai" }, { provider: "anthropic" }],
        retry: { attempts: 0 },
        ...input.route,
      },
    ],
    ...(input.gateway === undefined ? {} : { gateway: input.gateway }),
    ...{ prices: input.prices ?? prices, limits: input.limits ?? [], stops: input.stops ?? [] },
  });
  const post = (path: string, body: object, { key = gateway.key, headers = {}, signal }: CallOptions = {}) =>
    fetch(`${gateway.url}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
  let closed: Promise<void> | undefined;
  const messages = [{ role: "user", content: "Tell me about weirs" }];
  return {
    gateway,
    simulator,
    chat: (fields = {}, options = {}) =>
      post("/v1/chat/completions", { model: "gpt-4o", messages, ...fields }, options),
    complete: (fields = {}, options = {}) =>
      post("/v1/completions", { model: "gpt-4o", prompt: "Weirs are", ...fields }, options),
    message: (fields = {}, options = {}) =>
      post(
        "/v1/messages",
        { model: "claude-sonnet-4-5", max_tokens: 500, messages, ...fields },
        {
          ...options,
          headers: { "anthropic-version": "2023-06-01", ...options.headers },
        },
      ),
    embed: (fields = {}, options = {}) =>
      post("/v1/embeddings", { model: "text-embedding-3-small", input: "weirs", ...fields }, options),
    async event(count = 1) {
      return (await gateway.usage(count)).at(count - 1) as UsageEvent;
    },
    billed: () => simulator.bill().reduce((sum, entry) => sum + costOf(entry), 0n),
    async spent(limit, rule) {
      closed ??= gateway.close(2_000);
      await closed;
      const { spent, committed } = gateway.record.of(limit, rule);
      if (committed !== spent) throw new Error(`Of ${limit} ${committed - spent} were not given back`);
      return spent;
    },
    async [Symbol.asyncDispose]() {
      await closed;
      await gateway[Symbol.asyncDispose]();
      await simulator[Symbol.asyncDispose]();
    },
  };
}

/** What a vendor charges for a call. */
export function costOf({ vendor, tokens }: BillEntry): bigint {
  return costNanoUsd(tokens, prices[vendor === "openai" ? "gpt-4o" : "claude"] as PricePlan);
}

export function tokensOf({ tokens }: BillEntry): number {
  const { input, inputAudio, cacheRead, cacheWrite5m, cacheWrite1h, cacheWriteOther, ...output } = tokens;
  const read = input + inputAudio + cacheRead + cacheWrite5m + cacheWrite1h + cacheWriteOther;
  return read + output.output + output.outputReasoning + output.outputAudio;
}

/** Type and code of a refusal, as the vendor's SDK reads them. */
export async function refusalOf(answer: Response): Promise<{ status: number; code: string; message: string }> {
  const { error } = (await answer.json()) as { error: { code?: string; type: string; message: string } };
  return { status: answer.status, code: error.code ?? error.type, message: error.message };
}
