/** The models that a key may ask for, and the gateway's own answer to `GET …/models`. */

import type { Protocol } from "@sluice/protocols";
import { type Exchange, refuse } from "../exchange.ts";
import { coversModel } from "../runtime/model-index.ts";
import { mayUse, type RouteRuntime, resolveRoute } from "../runtime/runtime.ts";

/** Names that reach a target (of one protocol, when given), each once, sorted. For patterns, the names that providers list. */
export function offeredModels(exchange: Exchange, protocol?: Protocol): string[] {
  const { gateway, caller } = exchange;
  if (gateway === undefined || caller === undefined) return [];
  const names = new Set<string>();
  for (const route of gateway.routes) {
    for (const name of namesOf(route)) {
      const serving = resolveRoute(gateway, caller, name);
      if (serving === route && mayUse(caller, route, name) && speaks(route, protocol)) names.add(name);
    }
  }
  return [...names].sort();
}

/** Answers the exchange. Anthropic's callers are told by their header; the rest get OpenAI's shape. */
export function answerModels(exchange: Exchange): Exchange {
  const { dialect, modelId, gateway, caller } = exchange;
  const createdAt = 1_735_689_600; // vendors give a model's release; a name of ours has none, and a fixed one keeps answers equal
  if (modelId === undefined) {
    const models = offeredModels(exchange).map((id) => ({ id, createdAt }));
    return answer(exchange, dialect.buildModelList(models, pageOf(exchange.query)));
  }
  if (gateway === undefined || caller === undefined) throw new Error("models are listed after authenticate");
  const route = resolveRoute(gateway, caller, modelId);
  if (route === undefined || !mayUse(caller, route, modelId)) {
    return refuse(exchange, {
      code: "model_not_found",
      model: modelId.slice(0, 256).replace(/[^\x20-\x7e]/g, "?"),
      offered: offeredModels(exchange).slice(0, 20),
      more: 0,
    });
  }
  return answer(exchange, dialect.buildModel({ id: modelId, createdAt }));
}

/** A JSON text of the gateway's own. */
export function answer(exchange: Exchange, text: string): Exchange {
  const { outgoing } = exchange;
  const body = Buffer.from(text);
  outgoing.writeHead(200, {
    "content-type": "application/json",
    "content-length": body.length,
    "x-request-id": exchange.id,
    "request-id": exchange.id,
    "x-sluice-request-id": exchange.id,
  });
  outgoing.end(exchange.incoming.method === "HEAD" ? undefined : body);
  exchange.responseBytes = body.length;
  exchange.outcome = "Served";
  return exchange;
}

function namesOf(route: RouteRuntime): string[] {
  const patterns = route.plan.models.filter((model) => model.endsWith("*"));
  const exact = route.plan.models.filter((model) => !model.endsWith("*"));
  if (patterns.length === 0) return exact;
  // A pattern serves what its targets' providers list, where the target passes the caller's name on.
  const passing = route.tiers.flat().filter((target) => target.plan.model === undefined);
  const listed = passing
    .flatMap((target) => target.provider.models ?? [])
    .filter((name) => coversModel(patterns, name));
  return [...exact, ...listed];
}

function speaks(route: RouteRuntime, protocol: Protocol | undefined): boolean {
  return (
    protocol === undefined || route.tiers.some((tier) => tier.some((target) => target.provider.protocol === protocol))
  );
}

function pageOf(query: string) {
  const read = new URLSearchParams(query);
  const limit = Number(read.get("limit") ?? 20);
  return {
    limit: Number.isInteger(limit) && limit >= 1 ? Math.min(limit, 1000) : 20,
    after: read.get("after_id") ?? undefined,
    before: read.get("before_id") ?? undefined,
  };
}
