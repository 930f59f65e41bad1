/**
 * What an attempt may cost at most, reserved on every account that applies before it is made; or why it is not made. What it did
 * cost is `charge`'s question.
 */

import { type LimitPlan, leaseAmountMax } from "@sluice/contract";
import { expandableBytes, type WorstCase, worstCase } from "@sluice/metering";
import { type Operation, type RequestFeatures, type RequestFields, readFeatures } from "@sluice/protocols";
import type { Exchange } from "../exchange.ts";
import type { AttemptHold } from "../limits/attempt-hold.ts";
import { newBill } from "../limits/bill.ts";
import type { LimitDesk, Short, Wish } from "../limits/limit-desk.ts";
import type { AppliedRule, CallFacts } from "../limits/limit-table.ts";
import { targetName } from "../limits/raised-bounds.ts";
import { shortRefusal } from "../limits/short-refusal.ts";
import type { Refusal } from "../refusal.ts";
import type { ModelRuntime, RouteRuntime, TargetRuntime } from "../runtime/runtime.ts";

export type Admission =
  | { readonly kind: "admitted" }
  /** No target may serve this call. */
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** This target may not; another one might. */
  | { readonly kind: "unusable"; readonly refusal: Refusal };

/** A shorter answer than this is no answer. */
const outputCapMin = 64;
/** Where neither the call nor the catalog says how long an answer of a model gets. */
const outputCapUnknown = 4_096;
/** Asked of nobody, as counting is free. */
const freeOperation = "messages.count_tokens";

const admitted: Admission = { kind: "admitted" };

type Call = {
  readonly exchange: Exchange;
  readonly target: TargetRuntime;
  readonly model: ModelRuntime | undefined;
  readonly rules: readonly AppliedRule[];
  /** Some limit counts money or tokens. */
  readonly isBounded: boolean;
  /** The output cap goes upstream: a limit that refuses nothing changes nothing either. */
  readonly isCapped: boolean;
};

/** Answers at once where nothing has to be waited for, which is nearly always. */
export function admit(exchange: Exchange, target: TargetRuntime, desk: LimitDesk): Admission | Promise<Admission> {
  const { runtime, caller } = exchange;
  if (runtime === undefined || caller === undefined) throw new Error("admit runs after plan");
  const model = target.models.find(sentModel(exchange, target))?.value;
  const facts = factsOf(exchange, target, model);
  const stop = runtime.stops.find(facts, exchange.startedAtMs);
  if (stop !== undefined) {
    const what = `${stop.dimension} ${stop.value}`;
    return { kind: "unusable", refusal: { code: "stopped", what, untilMs: stop.untilMs, reason: stop.reason } };
  }
  const isFree = exchange.operation?.name === freeOperation;
  const found = runtime.limits.find(facts);
  const rules = isFree ? found.filter((one) => !isBudgeted(one)) : found;
  if (!isFree) {
    const refusal = closedTo({ exchange, target, model, rules });
    if (refusal !== undefined) return refusal;
  }
  const isCapped =
    exchange.route?.plan.maxOutputTokens !== undefined || rules.some((one) => isBudgeted(one) && isEnforced(one));
  exchange.isClamped = false;
  const call: Call = { exchange, target, model, rules, isBounded: rules.some(isBudgeted), isCapped };
  return reserve(call, outputCapOf(call), desk);
}

function reserve(call: Call, cap: number | undefined, desk: LimitDesk): Admission | Promise<Admission> {
  const { exchange, rules } = call;
  exchange.rules = rules;
  exchange.desk = desk;
  const worst = call.isBounded ? worstOf(call, cap) : undefined;
  if (worst?.unbounded === true) {
    const refusal = unboundedTool(call);
    if (refusal !== undefined) return { kind: "refused", refusal };
  }
  const taken = desk.reserve({
    attempt: `${exchange.id}.${exchange.attempts + 1}`,
    key: exchange.caller?.id ?? "",
    price: call.model?.price,
    worst: worst === undefined ? undefined : figuresOf(worst, featuresOf(exchange)),
    wishes: wishesOf(rules, worst),
    callWishes: rules.filter((one) => !isBudgeted(one) && !holdsCall(exchange, one)).map(onePer),
    exchange,
  });
  const finish = (outcome: Awaited<typeof taken>): Admission | Promise<Admission> => {
    if (outcome.kind === "short") return onShort(call, { cap, short: outcome, desk });
    if (outcome.kind === "failed") return { kind: "refused", refusal: outcome.refusal };
    exchange.hold = outcome.hold;
    if (outcome.callHold !== undefined) exchange.callHolds = [...exchange.callHolds, outcome.callHold];
    exchange.bill ??= newBill();
    exchange.outputCap = call.isCapped ? cap : undefined;
    return admitted;
  };
  return taken instanceof Promise ? taken.then(finish) : finish(taken);
}

/** A limit that clamps is asked once more, with the longest answer that fits. */
function onShort(
  call: Call,
  { cap, short, desk }: { cap: number | undefined; short: Short; desk: LimitDesk },
): Admission | Promise<Admission> {
  const fitting = cap === undefined ? undefined : fittingCap(call, cap, short);
  if (short.of.plan.whenShort === "Clamp" && fitting !== undefined && !call.exchange.isClamped) {
    call.exchange.isClamped = true;
    return reserve(call, fitting, desk);
  }
  return { kind: "refused", refusal: shortRefusal(short, fitting) };
}

/** The largest cap whose worst case has room, found by halving: the worst case only grows with it. */
function fittingCap(call: Call, cap: number, { of, roomAmount }: Short): number | undefined {
  const { unit } = of.rule;
  if (unit !== "nanoUsd" && unit !== "tokens") return undefined;
  const fits = (tokens: number) => amountOf(unit, worstOf(call, tokens)) <= roomAmount;
  const least = Math.max(outputCapMin, featuresOf(call.exchange).outputCapMin ?? 0);
  if (least >= cap || !fits(least)) return undefined;
  let [low, high] = [least, cap - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What is closed before amounts are asked about: no budget where one must be, or no price where a budget counts dollars. */
function closedTo({
  exchange,
  target,
  model,
  rules,
}: Pick<Call, "exchange" | "target" | "model" | "rules">): Admission | undefined {
  const gateway = exchange.gateway?.plan;
  const key = exchange.caller?.id ?? "";
  if (gateway?.unbudgeted === "Refuse" && !rules.some((one) => isEnforced(one) && one.plan.kind === "Budget"))
    return { kind: "refused", refusal: { code: "unbudgeted", gateway: gateway.id, key } };
  const usd = rules.find((one) => isEnforced(one) && one.rule.unit === "nanoUsd");
  if (usd === undefined || model?.price !== undefined) return undefined;
  const refusal: Refusal = {
    code: "model_unpriced",
    model: sentModel(exchange, target),
    provider: target.provider.id,
    limit: limitName(usd.plan),
  };
  return { kind: "unusable", refusal };
}

function unboundedTool({ exchange, rules }: Call): Refusal | undefined {
  const hard = rules.find((one) => isEnforced(one) && isBudgeted(one));
  if (hard === undefined) return undefined;
  const { serverTools } = featuresOf(exchange);
  const tool = serverTools.find((one) => one.maxCalls === undefined) ?? serverTools[0];
  return { code: "server_tool_unbounded", tool: tool?.kind ?? "tools", limit: limitName(hard.plan) };
}

/** The cap that goes up: the least of what the call asks for, its Route allows and its model can. Undefined: none is sent. */
function outputCapOf({ exchange, model, isBounded }: Call): number | undefined {
  const fields = exchange.fields as RequestFields;
  if (fields.capName === undefined) return undefined;
  const route = (exchange.route as RouteRuntime).plan.maxOutputTokens;
  if (!isBounded) return route;
  const { contextWindow, maxOutputTokens } = model?.plan ?? {};
  // Servers that name no output limit take prompt and answer together for their window.
  const ofModel = maxOutputTokens ?? (contextWindow === undefined ? undefined : contextWindow - exchange.body.length);
  const most = Math.max(outputCapMin, ofModel ?? outputCapUnknown);
  return Math.min(fields.outputCap?.value ?? most, route ?? most, most);
}

function worstOf({ exchange, target, model }: Call, cap: number | undefined): WorstCase {
  const plan = model?.plan;
  const raised = exchange.desk?.raisedBounds.of(targetName(target, exchange.fields?.model ?? ""));
  const features = featuresOf(exchange);
  const isCapped = (exchange.fields as RequestFields).capName !== undefined;
  const byteLevelTokens = plan?.byteLevelTokens ?? false;
  return worstCase({
    bodyBytes: exchange.body.length,
    expandableBytes: byteLevelTokens ? 0 : expandableBytes(exchange.body),
    features: raised?.input === true ? { ...features, references: true } : features,
    model: { contextWindow: plan?.contextWindow, byteLevelTokens },
    price: model?.price,
    outputCap: !isCapped ? 0 : raised?.output === true ? undefined : cap,
  });
}

function featuresOf(exchange: Exchange) {
  exchange.features ??= readFeatures(exchange.body, exchange.fields as RequestFields, exchange.operation as Operation);
  return exchange.features;
}

/** Money and tokens, by each attempt. What costs nothing needs no room: a used-up budget stops no free model. */
function wishesOf(rules: readonly AppliedRule[], worst: WorstCase | undefined): Wish[] {
  if (worst === undefined) return [];
  const wishes: Wish[] = [];
  for (const of of rules) {
    const { unit } = of.rule;
    const amount = unit === "nanoUsd" || unit === "tokens" ? amountOf(unit, worst) : 0;
    if (amount > 0) wishes.push({ of, amount });
  }
  return wishes;
}

/** Calls and slots are taken once an exchange. */
function holdsCall({ callHolds }: Exchange, { key }: AppliedRule): boolean {
  return callHolds.some(({ parts }) => parts.some((part) => part.rule.key === key));
}

function onePer(of: AppliedRule): Wish {
  return { of, amount: 1 };
}

function amountOf(unit: "nanoUsd" | "tokens", worst: WorstCase): number {
  return Math.min(unit === "tokens" ? worst.tokensMax : Number(worst.nanoUsd ?? 0n), leaseAmountMax);
}

function figuresOf(worst: WorstCase, { serverTools, serviceTier }: RequestFeatures): AttemptHold["worst"] {
  return {
    nanoUsd: worst.nanoUsd,
    inputTokens: worst.inputTokensMax,
    outputTokens: worst.outputTokensMax,
    hasVendorTools: serverTools.length > 0,
    serviceTier,
  };
}

function factsOf(exchange: Exchange, target: TargetRuntime, known: ModelRuntime | undefined): CallFacts {
  const { caller, fields, route } = exchange;
  if (caller === undefined || fields === undefined || route === undefined) throw new Error("admit runs after plan");
  return {
    caller,
    model: fields.model,
    modelAccount: route.plan.models.includes(fields.model)
      ? fields.model
      : (known?.plan.match ?? route.plan.models.at(-1) ?? fields.model),
    provider: target.provider.id,
    route: route.plan.id,
    claimedUser: exchange.claimedUser,
    claimedMetadata: exchange.claimedMetadata,
  };
}

function sentModel(exchange: Exchange, target: TargetRuntime): string {
  return target.plan.model ?? exchange.fields?.model ?? "";
}

function isBudgeted({ rule }: AppliedRule): boolean {
  return rule.unit === "nanoUsd" || rule.unit === "tokens";
}

function isEnforced({ plan }: AppliedRule): boolean {
  return plan.mode === "Enforce";
}

function limitName(plan: LimitPlan): string {
  return `${plan.kind} ${plan.id}`;
}
