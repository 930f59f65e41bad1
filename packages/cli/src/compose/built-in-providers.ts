/**
 * The providers that `up` brings itself: the vendors whose key lies in the environment, the simulator in place of those whose
 * key does not, an Ollama that runs here. They are resources like any other, of a source that nobody else may change.
 */

import type { Ollama } from "./ollama.ts";

export type BuiltIn = {
  readonly kind: "Provider" | "Route";
  readonly namespace: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
};

/** What runs on one's own machine is free, and has to say so. */
const free = { inputPerMillion: "0", outputPerMillion: "0" };

export type BuiltIns = {
  readonly resources: readonly BuiltIn[];
  /** `namespace/secret/key` → value. They stay in memory: nothing of them is written anywhere. */
  readonly secrets: ReadonlyMap<string, string>;
  /** For the banner: who answers, and how. */
  readonly real: readonly string[];
  readonly simulated: readonly string[];
};

const namespace = "default";

/** Whatever a simulated model is called, it has a price, so that budgets have something to count. */
const simulatedModel = {
  name: "*",
  price: { inputPerMillion: "1.00", outputPerMillion: "2.00" },
  contextWindow: 128_000,
  maxOutputTokens: 16_384,
};

export function builtInProviders(found: {
  vendorKeys: { openai: string | undefined; anthropic: string | undefined };
  ollama: Ollama | undefined;
  simulator: { openaiUrl: string; anthropicUrl: string };
}): BuiltIns {
  const secrets = new Map<string, string>();
  const real: string[] = [];
  const simulated: string[] = [];
  const provider = (name: string, spec: Readonly<Record<string, unknown>>): BuiltIn => ({
    kind: "Provider",
    namespace,
    name,
    spec,
  });
  const vendor = (name: "openai" | "anthropic", type: string, simulatorUrl: string): BuiltIn => {
    const key = found.vendorKeys[name];
    if (key === undefined) {
      simulated.push(name);
      return provider(name, { type, baseUrl: simulatorUrl, credential: { type: "None" } });
    }
    const secret = `env-${name}`;
    secrets.set(`${namespace}/${secret}/api-key`, key);
    real.push(`${name} (${name.toUpperCase()}_API_KEY)`);
    return provider(name, {
      type,
      credential: { type: "APIKey", apiKey: { secretRef: { name: secret, key: "api-key" } } },
    });
  };

  const resources = [
    vendor("openai", "OpenAI", found.simulator.openaiUrl),
    vendor("anthropic", "Anthropic", found.simulator.anthropicUrl),
    provider("simulator", {
      type: "OpenAICompatible",
      baseUrl: found.simulator.openaiUrl,
      credential: { type: "None" },
      models: [simulatedModel],
    }),
  ];
  if (found.ollama !== undefined) {
    const { baseUrl, models } = found.ollama;
    real.push(`ollama (${models.length} models)`);
    resources.push(
      provider("ollama", {
        ...{ type: "OpenAICompatible", baseUrl, credential: { type: "None" } },
        models: models.map((name) => ({ name, price: free })),
      }),
      {
        kind: "Route",
        namespace,
        name: "ollama",
        spec: { models, targets: [{ name: "ollama", providerRef: { name: "ollama" } }] },
      },
    );
  }
  return { resources, secrets, real, simulated };
}
