/** The steps of an exchange, in their order. Whatever ends it early still goes through `settle`. */

import type { KeyEntry } from "@sluice/contract";
import { type Exchange, refuse } from "../exchange.ts";
import { answerRefusal } from "./answer-refusal.ts";
import { type AttemptPorts, attempt } from "./attempt.ts";
import { attribute } from "./attribute.ts";
import { authenticate } from "./authenticate.ts";
import { charge, chargeCall } from "./charge.ts";
import { identify } from "./identify.ts";
import { answerModels } from "./models.ts";
import { plan } from "./plan.ts";
import { answerPrices } from "./prices.ts";
import { readBody } from "./read-body.ts";

export type PipelinePorts = AttemptPorts & {
  readonly keys: ReadonlyMap<string, KeyEntry>;
  readonly draining: () => boolean;
  /** Closes the books of an exchange and records it. */
  readonly finish: (exchange: Exchange) => void;
  /** A bug: the exchange is answered and settled all the same. */
  readonly onFault: (exchange: Exchange) => void;
};

export async function runPipeline(exchange: Exchange, ports: PipelinePorts): Promise<void> {
  try {
    await steps(exchange, ports);
    if (exchange.refusal !== undefined && !exchange.gone) finishRefused(exchange);
  } catch (error) {
    exchange.fault ??= error;
    if (exchange.outgoing.headersSent) exchange.outgoing.destroy();
    else answerRefusal(exchange, { code: "internal_error" });
  }
  exchange.underWay = undefined;
  // After a fault: what was under way may be billed all the same.
  charge(exchange, undefined);
  chargeCall(exchange);
  if (exchange.fault !== undefined) ports.onFault(exchange);
  // Claude Code's probe of the base URL is no call.
  if (exchange.local !== "base" || exchange.refusal !== undefined) ports.finish(exchange);
}

async function steps(exchange: Exchange, ports: PipelinePorts): Promise<void> {
  if (identify(exchange).refusal !== undefined) return;
  if (ports.draining()) {
    refuse(exchange, { code: "draining" });
    return;
  }
  if (exchange.local === "base") {
    exchange.outgoing.writeHead(204).end();
    exchange.outcome = "Served";
    return;
  }
  if (authenticate(exchange, ports.keys).refusal !== undefined) return;
  if (exchange.local !== undefined) {
    if (exchange.local === "prices") answerPrices(exchange);
    else answerModels(exchange);
    return;
  }
  await readBody(exchange, ports.deadlines);
  if (exchange.refusal !== undefined || exchange.gone) return;
  if (plan(exchange).refusal !== undefined) return;
  if (attribute(exchange).refusal !== undefined) return;
  await attempt(exchange, ports);
}

function finishRefused(exchange: Exchange): void {
  const { refusal, outgoing } = exchange;
  if (refusal === undefined) return;
  if (!outgoing.headersSent) answerRefusal(exchange, refusal);
}
