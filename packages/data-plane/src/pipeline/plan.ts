/** The Route that serves this call, by the model's name and what the key may use. Which of its targets is `attempt`'s question. */

import { dialects, type Operation, readRequest } from "@sluice/protocols";
import { type Exchange, refuse } from "../exchange.ts";
import { type GatewayRuntime, mayUse, type RouteRuntime, resolveRoute } from "../runtime/runtime.ts";
import { offeredModels } from "./models.ts";

/** Names in an error message, at most. */
const offeredMax = 20;

export function plan(exchange: Exchange): Exchange {
  const fields = readRequest(exchange.body, exchange.operation as Operation);
  if (fields.kind === "problem")
    return refuse(exchange, { code: "body_invalid", message: fields.message, param: fields.param });
  exchange.fields = fields;
  const { model } = fields;
  const gateway = exchange.gateway as GatewayRuntime;
  const caller = exchange.caller;
  if (caller === undefined) throw new Error("plan runs after authenticate");

  const route = resolveRoute(gateway, caller, model);
  if (route === undefined) return refuse(exchange, { code: "model_not_found", model, ...offer(exchange) });
  if (!mayUse(caller, route, model))
    return refuse(exchange, { code: "model_not_allowed", model, key: caller.id, ...offer(exchange) });
  exchange.route = route;

  const { protocol, title } = exchange.dialect;
  if (!route.tiers.some((tier) => tier.some((target) => target.provider.protocol === protocol))) {
    const { provider } = firstTarget(route);
    return refuse(exchange, {
      code: "protocol_mismatch",
      model,
      caller: title,
      route: route.plan.id,
      provider: provider.id,
      providerProtocol: dialects[provider.protocol].title,
    });
  }
  return exchange;
}

function firstTarget(route: RouteRuntime) {
  const target = route.tiers[0]?.[0];
  if (target === undefined) throw new Error(`Route ${route.plan.id} has no target`);
  return target;
}

function offer(exchange: Exchange): { offered: string[]; more: number } {
  const names = offeredModels(exchange, exchange.dialect.protocol);
  return { offered: names.slice(0, offeredMax), more: Math.max(0, names.length - offeredMax) };
}
