/**
 * What a limit's selector names, and whether it is there: a limit that can match nothing is told, never silent. It stays in
 * force all the same, so that it holds from the moment on in which what it names is made.
 */

import type { Budget, CallSelector, RateLimit } from "@sluice/api";
import { isMetadataHost } from "@sluice/contract";
import type { Finding } from "./findings.ts";
import { type Entry, finding } from "./inventory.ts";
import type { LimitReach } from "./limit-reach.ts";

type Limit = Entry<Budget | RateLimit>;
type Failure = Pick<Finding, "reason" | "message" | "path">;

export function selectorFindings(limit: Limit, reach: LimitReach): Finding[] {
  const { selector = {} } = limit.resource.spec;
  const failures: Failure[] = [
    ...missing(limit, selector.keys, reach.keys, ["keys", "KeyNotFound", "VirtualKey"]),
    ...missing(limit, selector.routes, reach.routes, ["routes", "RouteNotFound", "Route"]),
    ...missing(limit, selector.providers, reach.providers, ["providers", "BackendNotFound", "Provider"]),
    ...unknownSubjects(selector, reach),
    ...unknownModels(selector, reach),
  ];
  return failures.map((failure) => finding(limit, { condition: "ResolvedRefs", ...failure }));
}

function missing(
  limit: Limit,
  references: readonly { name: string; namespace?: string | undefined }[] | undefined,
  existing: ReadonlySet<string>,
  [field, reason, kind]: readonly [string, Finding["reason"], string],
): Failure[] {
  return (references ?? []).flatMap(({ name, namespace = limit.namespace }, index) => {
    const id = `${namespace}/${name}`;
    if (existing.has(id)) return [];
    // The same words whether it is there or not: one namespace does not learn what lies in another.
    const message =
      namespace === limit.namespace
        ? `there is no ${kind} ${id}`
        : `no ${kind} ${id} is within reach of the limits of namespace ${limit.namespace}`;
    return [{ reason, message, path: `spec.selector.${field}[${index}]` }];
  });
}

/** Users may be claimed; teams and services come from keys alone. */
function unknownSubjects(selector: CallSelector, reach: LimitReach): Failure[] {
  return (["teams", "services"] as const).flatMap((field) =>
    (selector[field] ?? []).flatMap((name, index) => {
      if (reach[field].has(name)) return [];
      const message = `no VirtualKey that it applies to is of ${field.slice(0, -1)} "${name}", so no call is`;
      return [{ reason: "KeyNotFound" as const, message, path: `spec.selector.${field}[${index}]` }];
    }),
  );
}

function unknownModels({ models = [] }: CallSelector, reach: LimitReach): Failure[] {
  return models.flatMap((pattern, index) => {
    if (reach.models.some((other) => overlap(pattern, other))) return [];
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
