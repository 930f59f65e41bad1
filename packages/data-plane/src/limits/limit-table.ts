/**
 * Which limits a call is under, and by which of their accounts. Found once for a key and a target and then looked up, however
 * many limits there are; only what the call itself claims (user, metadata) is read anew each time.
 */

import { type Family, familyKey, type KeyEntry, type LimitPlan, type LimitRule, noValue } from "@sluice/contract";
import { coversModel } from "../runtime/model-index.ts";

export type CallFacts = {
  readonly caller: KeyEntry;
  /** The name that the caller asked for. */
  readonly model: string;
  /** What `per: [Model]` counts it under: a name that somebody has written down, or a pattern. Callers can make up names. */
  readonly modelAccount: string;
  /** `namespace/name`. */
  readonly provider: string;
  readonly route: string;
  /** What the call itself says; the key's own user and metadata go before. */
  readonly claimedUser: string | undefined;
  readonly claimedMetadata: Readonly<Record<string, string>> | undefined;
};

/** One rule that a call is charged under. */
export type AppliedRule = {
  readonly plan: LimitPlan;
  readonly rule: LimitRule;
  readonly family: Family;
  readonly key: string;
};

/** Targets of one key, at most, whose rules are kept. */
const keptTargetsMax = 1_000;

type OfCaller = {
  readonly candidates: readonly LimitPlan[];
  /** Some candidate looks at what a call claims. */
  readonly claims: boolean;
  readonly byTarget: Map<string, readonly AppliedRule[]>;
};

export class LimitTable {
  readonly plans: readonly LimitPlan[];
  readonly #byCaller = new WeakMap<KeyEntry, OfCaller>();

  constructor(limits: readonly LimitPlan[]) {
    this.plans = limits;
  }

  find(call: CallFacts): readonly AppliedRule[] {
    if (this.plans.length === 0) return none;
    const ofCaller = this.#ofCaller(call.caller);
    if (ofCaller.candidates.length === 0) return none;
    if (ofCaller.claims) return applied(ofCaller.candidates, call);
    const target = `${call.model}\n${call.modelAccount}\n${call.provider}\n${call.route}`;
    const known = ofCaller.byTarget.get(target);
    if (known !== undefined) return known;
    // Callers choose the names of models.
    if (ofCaller.byTarget.size >= keptTargetsMax) ofCaller.byTarget.clear();
    const rules = applied(ofCaller.candidates, call);
    ofCaller.byTarget.set(target, rules);
    return rules;
  }

  #ofCaller(caller: KeyEntry): OfCaller {
    const known = this.#byCaller.get(caller);
    if (known !== undefined) return known;
    const candidates = this.plans.filter((plan) => mayApply(plan, caller));
    const made = {
      candidates,
      claims: candidates.some((plan) => readsClaims(plan, caller)),
      byTarget: new Map<string, readonly AppliedRule[]>(),
    };
    this.#byCaller.set(caller, made);
    return made;
  }
}

const none: readonly AppliedRule[] = [];

/** By all that the key decides. */
function mayApply({ namespace, selector }: LimitPlan, caller: KeyEntry): boolean {
  if (namespace !== undefined && namespace !== caller.namespace) return false;
  if (selector.keys !== undefined && !selector.keys.includes(caller.id)) return false;
  if (!holds(selector.teams, caller.team) || !holds(selector.services, caller.service)) return false;
  if (caller.user !== undefined && !holds(selector.users, caller.user)) return false;
  return Object.entries(selector.metadata ?? {}).every(
    ([name, value]) => !(name in caller.metadata) || caller.metadata[name] === value,
  );
}

function readsClaims({ selector, per }: LimitPlan, caller: KeyEntry): boolean {
  const users = selector.users !== undefined || per.includes("User");
  if (users && caller.user === undefined) return true;
  const names = [
    ...Object.keys(selector.metadata ?? {}),
    ...per.filter((one) => one.startsWith(metadataPrefix)).map((one) => one.slice(metadataPrefix.length)),
  ];
  return names.some((name) => !(name in caller.metadata));
}

function applied(candidates: readonly LimitPlan[], call: CallFacts): readonly AppliedRule[] {
  const rules: AppliedRule[] = [];
  for (const plan of candidates) {
    if (!matches(plan, call)) continue;
    const values = plan.per.map((dimension) => factOf(dimension, call) ?? noValue);
    for (const rule of plan.rules) {
      const family = { limit: plan.uid, rule: rule.name, values };
      rules.push({ plan, rule, family, key: familyKey(family) });
    }
  }
  return rules;
}

function matches({ selector }: LimitPlan, call: CallFacts): boolean {
  if (selector.models !== undefined && !coversModel(selector.models, call.model)) return false;
  if (!holds(selector.providers, call.provider) || !holds(selector.routes, call.route)) return false;
  if (!holds(selector.users, factOf("User", call))) return false;
  return Object.entries(selector.metadata ?? {}).every(
    ([name, value]) => factOf(metadataPrefix + name, call) === value,
  );
}

function holds(allowed: readonly string[] | undefined, value: string | undefined): boolean {
  return allowed === undefined || (value !== undefined && allowed.includes(value));
}

const metadataPrefix = "Metadata/";

function factOf(dimension: string, call: CallFacts): string | undefined {
  const { caller } = call;
  switch (dimension) {
    case "Team":
      return caller.team;
    case "Service":
      return caller.service;
    case "User":
      return caller.user ?? call.claimedUser;
    case "Key":
      return caller.id;
    case "Model":
      return call.modelAccount;
    case "Provider":
      return call.provider;
    case "Route":
      return call.route;
    default: {
      const name = dimension.slice(metadataPrefix.length);
      return caller.metadata[name] ?? call.claimedMetadata?.[name];
    }
  }
}
