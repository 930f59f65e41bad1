/**
 * What a limit's selector names, and whether it is there: a limit that can match nothing is told, never silent. It stays in
 * force all the same, so that it holds from the moment on in which what it names is made.
 */

import type { Budget, CallSelector, Provider, RateLimit, Route, VirtualKey } from "@sluice/api";
import { isMetadataHost } from "@sluice/contract";
import type { Finding } from "./findings.ts";
import { type Entry, finding } from "./inventory.ts";
import type { ProviderPlans } from "./plan-providers.ts";

type Limit = Entry<Budget | RateLimit>;
type Known = {
  readonly keys: readonly Entry<VirtualKey>[];
  readonly routes: readonly Entry<Route>[];
  readonly providers: ProviderPlans;
  readonly systemNamespace: string;
};
type Failure = Pick<Finding, "reason" | "message" | "path">;

export function selectorFindings(limit: Limit, known: Known): Finding[] {
  const { selector = {} } = limit.resource.spec;
  // Outside the system namespace only the namespace's own keys are met, on its own Routes and shared ones.
  const shared = limit.namespace === known.systemNamespace;
  const keys = known.keys.filter(({ namespace }) => shared || namespace === limit.namespace);
  const routes = known.routes.filter(
    ({ namespace }) => shared || namespace === limit.namespace || namespace === known.systemNamespace,
  );
  const usable = (provider: Entry<Provider> | undefined) =>
    provider !== undefined &&
    (shared || provider.namespace === limit.namespace || provider.resource.spec.allowedNamespaces.from === "All");

  const failures: Failure[] = [
    ...missing(limit, selector.keys, (id) => keys.some((key) => key.id === id), ["keys", "KeyNotFound", "VirtualKey"]),
    ...missing(limit, selector.routes, (id) => routes.some((route) => route.id === id), [
      "routes",
      "RouteNotFound",
      "Route",
    ]),
    ...missing(limit, selector.providers, (id) => usable(known.providers.byId.get(id)), [
      "providers",
      "BackendNotFound",
      "Provider",
    ]),
    ...unknownSubjects(selector, keys),
    ...unknownModels(selector, routes),
  ];
  return failures.map((failure) => finding(limit, { condition: "ResolvedRefs", ...failure }));
}

function missing(
  limit: Limit,
  references: readonly { name: string; namespace?: string | undefined }[] | undefined,
  exists: (id: string) => boolean,
  [field, reason, kind]: readonly [string, Finding["reason"], string],
): Failure[] {
  return (references ?? []).flatMap(({ name, namespace = limit.namespace }, index) => {
    const id = `${namespace}/${name}`;
    if (exists(id)) return [];
    // The same words whether it is there or not: one namespace does not learn what lies in another.
    const message =
      namespace === limit.namespace
        ? `there is no ${kind} ${id}`
        : `no ${kind} ${id} is within reach of the limits of namespace ${limit.namespace}`;
    return [{ reason, message, path: `spec.selector.${field}[${index}]` }];
  });
}

/** Users may be claimed; teams and services come from keys alone. */
function unknownSubjects({ teams, services }: CallSelector, keys: readonly Entry<VirtualKey>[]): Failure[] {
  const subjects = { teams, services };
  return (["teams", "services"] as const).flatMap((field) =>
    (subjects[field] ?? []).flatMap((name, index) => {
      const member = field === "teams" ? "team" : "service";
      if (keys.some(({ resource }) => resource.spec.subject?.[member] === name)) return [];
      const message = `no VirtualKey that it applies to is of ${member} "${name}", so no call is`;
      return [{ reason: "KeyNotFound" as const, message, path: `spec.selector.${field}[${index}]` }];
    }),
  );
}

function unknownModels({ models = [] }: CallSelector, routes: readonly Entry<Route>[]): Failure[] {
  const answered = routes.flatMap(({ resource }) => resource.spec.models);
  return models.flatMap((pattern, index) => {
    if (answered.some((other) => overlap(pattern, other))) return [];
    const message = `no Route answers ${pattern}, so no call asks for it`;
    return [{ reason: "RouteNotFound" as const, message, path: `spec.selector.models[${index}]` }];
  });
}

/** Whether some name matches both patterns. */
function overlap(one: string, other: string): boolean {
  const [prefix, otherPrefix] = [one, other].map((pattern) => pattern.replace(/\*$/, "")) as [string, string];
  if (one.endsWith("*"))
    return otherPrefix.startsWith(prefix) || (other.endsWith("*") && prefix.startsWith(otherPrefix));
  return other.endsWith("*") ? one.startsWith(otherPrefix) : one === other;
}

/** Addresses that an alert is never sent to. The Budget holds all the same. */
export function alertFindings(budget: Entry<Budget>): Finding[] {
  return (budget.resource.spec.alerts ?? []).flatMap(({ webhook }, index) => {
    if (webhook === undefined) return [];
    const url = URL.parse(webhook.url);
    if (url !== null && !isMetadataHost(url.hostname) && url.username === "" && url.password === "") return [];
    const message =
      url === null
        ? "is not a URL"
        : isMetadataHost(url.hostname)
          ? `points at ${url.hostname}, a link-local or metadata address: alerts are not sent there`
          : "must not hold a user or password: the signature proves who sends";
    const path = `spec.alerts[${index}].webhook.url`;
    return [finding(budget, { condition: "ResolvedRefs", reason: "UnsupportedValue", message, path })];
  });
}
