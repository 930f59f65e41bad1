/** Which Providers can be called, and how: address, credential by reference, headers, and what is known of their models. */

import type { Provider } from "@sluice/api";
import type { AuthPlan, PricePlan, ProviderPlan } from "@sluice/contract";
import type { BuiltInCatalog } from "@sluice/metering";
import { baseUrlOf } from "./base-url.ts";
import type { Finding } from "./findings.ts";
import { byText, type Entry, finding } from "./inventory.ts";
import { type PricedModels, planPrices } from "./plan-prices.ts";

export type ProviderPlans = {
  /** By id, in the order of ids. */
  readonly usable: ReadonlyMap<string, ProviderPlan>;
  readonly byId: ReadonlyMap<string, Entry<Provider>>;
  /** Ids of all credentials that are referred to, known or not. */
  readonly credentials: readonly string[];
  /** By version, of all that can be used. */
  readonly prices: ReadonlyMap<string, PricePlan>;
  readonly findings: readonly Finding[];
};

export function planProviders(
  providers: readonly Entry<Provider>[],
  known: { catalog: BuiltInCatalog; credentials: ReadonlySet<string> | undefined },
): ProviderPlans {
  const usable = new Map<string, ProviderPlan>();
  const credentials = new Set<string>();
  const prices = new Map<string, PricePlan>();
  const findings: Finding[] = [];
  for (const entry of [...providers].sort((one, other) => byText(one.id, other.id))) {
    const url = baseUrlOf(entry.resource.spec);
    if (url.kind === "refused") {
      const { message } = url;
      findings.push(
        finding(entry, { condition: "Accepted", reason: "UnsupportedValue", message, path: "spec.baseUrl" }),
      );
    }
    const auth = authOf(entry);
    if (auth !== undefined) credentials.add(auth.credential);
    const missing = auth !== undefined && known.credentials?.has(auth.credential) === false;
    if (missing) findings.push(secretNotFound(entry));
    if (url.kind === "refused" || missing) continue;

    const models = planPrices(entry, known.catalog);
    findings.push(...models.findings);
    for (const [version, price] of models.prices) prices.set(version, price);
    usable.set(entry.id, providerPlan(entry, { origin: url.origin, basePath: url.basePath, auth, models }));
  }
  return {
    usable,
    byId: new Map(providers.map((entry) => [entry.id, entry])),
    credentials: [...credentials].sort(),
    prices,
    findings,
  };
}

function providerPlan(
  { id, resource: { spec } }: Entry<Provider>,
  reached: { origin: string; basePath: string; auth: AuthPlan | undefined; models: PricedModels },
): ProviderPlan {
  const { origin, basePath, auth, models } = reached;
  return {
    id,
    protocol: spec.type === "Anthropic" ? "anthropic" : "openai",
    origin,
    basePath,
    ...(auth && { auth }),
    headers: (spec.headers ?? []).map(({ name, value }) => [name, value]),
    ...(models.names && { models: [...models.names] }),
    outputCapField: spec.type === "OpenAI" ? "max_completion_tokens" : "max_tokens",
    catalog: [...models.catalog],
  };
}

/** The value of `authorization` gets its `Bearer` from the data plane. */
function authOf({ namespace, resource: { spec } }: Entry<Provider>): AuthPlan | undefined {
  const secret = spec.credential.apiKey?.secretRef;
  if (secret === undefined) return undefined;
  return {
    header: spec.type === "Anthropic" ? "x-api-key" : "authorization",
    credential: `${namespace}/${secret.name}/${secret.key}`,
  };
}

function secretNotFound(entry: Entry<Provider>): Finding {
  const secret = entry.resource.spec.credential.apiKey?.secretRef;
  return finding(entry, {
    condition: "ResolvedRefs",
    reason: "SecretNotFound",
    path: "spec.credential.apiKey.secretRef",
    message: `there is no key ${secret?.key} in a Secret ${secret?.name} of namespace ${entry.namespace}`,
  });
}
