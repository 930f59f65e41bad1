/** The gateway under test. The only place that knows how one is started. */

import { startGateway as startDataPlane } from "../../packages/data-plane/test/gateway.ts";

export type RunningGateway = AsyncDisposable & {
  /** `http://127.0.0.1:PORT`, without a path. */
  readonly url: string;
  readonly key: string;
  /** May use `gpt-4o-mini` and `claude-haiku-4-5`, nothing else. */
  readonly restrictedKey: string;
};

/** The names that are listed, and what the simulator's knobs hang on to. `once-…` names are never tried again by the gateway. */
const openaiModels = ["gpt-4o", "gpt-4o-mini", "o4-mini", "gpt-3.5-turbo-instruct", "text-embedding-3-small", "gpt-*"];
const anthropicModels = ["claude-sonnet-5-5", "claude-haiku-4-5", "claude-*"];

export async function startGateway(upstream: {
  openaiUrl: string;
  anthropicUrl: string;
  credential: string;
}): Promise<RunningGateway> {
  const { openaiUrl, anthropicUrl, credential } = upstream;
  const gateway = await startDataPlane({
    providers: [
      { name: "openai", url: openaiUrl, credential },
      { name: "anthropic", url: anthropicUrl, protocol: "anthropic", credential },
    ],
    routes: [
      { name: "openai", models: openaiModels, targets: [{ provider: "openai" }] },
      { name: "anthropic", models: anthropicModels, targets: [{ provider: "anthropic" }] },
      { name: "openai-once", models: ["once-gpt-*"], targets: [{ provider: "openai" }], retry: { attempts: 0 } },
      {
        name: "anthropic-once",
        models: ["once-claude-*"],
        targets: [{ provider: "anthropic" }],
        retry: { attempts: 0 },
      },
    ],
  });
  const restrictedKey = await gateway.issue({ allowModels: ["gpt-4o-mini", "claude-haiku-4-5"] });
  return {
    url: gateway.url,
    key: gateway.key,
    restrictedKey,
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}
