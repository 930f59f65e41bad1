/**
 * One run: pods, record and bus in virtual time, faults for a while, then peace for two lives, in which everything must come to
 * rest. What must hold is checked after every event; a failure tells the last of them.
 */

import {
  accountId,
  type Family,
  familyKey,
  type LeaseReply,
  type LeaseRequest,
  type LimitPlan,
} from "@sluice/contract";
import { freeOf, type HolderSnapshot, type Identity, sessionLifeMs, spentOf, type Wish } from "../../src/index.ts";
import { drawPlan, type FaultName, type WorldPlan } from "./draw-plan.ts";
import type { Hooks } from "./hooks.ts";
import { Oracle, SimulationFailure } from "./oracle.ts";
import { PodModel, valuesOf } from "./pod-model.ts";
import { type Random, randomOf } from "./random.ts";
import { RecordModel } from "./record-model.ts";
import { Timeline } from "./timeline.ts";

/** 2026-01-01T00:30:00Z: half an hour before a local hour turns, wherever that is. */
const startUnixMs = 1_767_227_400_000;
const traceMax = 500;

export type Outcome = {
  readonly events: number;
  readonly calls: number;
  /** Situations that were met. */
  readonly seen: ReadonlySet<string>;
  readonly failure: string | undefined;
  readonly trace: readonly string[];
};

export type RunOptions = { readonly hooks?: Hooks; readonly traces?: boolean; readonly plan?: WorldPlan };

export function runWorld(seed: number, options: RunOptions = {}): Outcome {
  const world = new World(options.plan ?? drawPlan(seed), options);
  let failure: string | undefined;
  try {
    world.run();
  } catch (error) {
    failure = error instanceof SimulationFailure ? error.message : `thrown: ${(error as Error).stack}`;
  }
  return { events: world.timeline.count, calls: world.calls, seen: world.seen, failure, trace: world.trace };
}

export class World {
  readonly plan: WorldPlan;
  readonly hooks: Hooks;
  readonly timeline = new Timeline();
  readonly oracle = new Oracle();
  readonly seen = new Set<string>();
  readonly trace: string[] = [];
  readonly workRandom: Random;
  readonly faultRandom: Random;
  readonly #netRandom: Random;
  readonly #pods: PodModel[] = [];
  readonly #record: RecordModel;
  readonly #traces: boolean;
  readonly #startUnixMs: number;
  #identities = 0;
  calls = 0;
  isQuiet = false;
  #wasSetForward = false;
  /** Something was lost that nobody can prove: what is left of it stays counted as spent. */
  isTorn = false;
  /** Accounts whose leases may be overdrawn, for a reason that is allowed. */
  readonly excused = new Set<string>();
  readonly #charged = new Map<string, number>();

  constructor(plan: WorldPlan, { hooks, traces }: RunOptions) {
    this.plan = plan;
    this.hooks = hooks ?? {};
    this.#traces = traces ?? false;
    this.workRandom = randomOf(plan.seed, "work");
    this.faultRandom = randomOf(plan.seed, "faults");
    this.#netRandom = randomOf(plan.seed, "net");
    this.#startUnixMs = startUnixMs + this.workRandom.int(0, 40) * 45_000;
    const limits = new Map(plan.limits.map((limit) => [limit.uid, limit]));
    for (const limit of plan.limits) this.oracle.learn(limit);
    this.#record = new RecordModel(this, limits);
    for (let index = 0; index < plan.pods; index++)
      this.#pods.push(new PodModel(this, `pod-${index}`, this.#podLimits(limits)));
  }

  get unixMs(): number {
    return this.#startUnixMs + this.timeline.nowMs;
  }

  run(): void {
    this.#planCalls();
    this.#planRecord();
    this.#planFaults();
    this.#runUntil(this.plan.activeMs);
    this.#makePeace();
    this.#runUntil(this.plan.activeMs + 2 * sessionLifeMs + 60_000);
    // Its last word may have been heard: then its successor is nobody.
    const mayBeFenced = this.plan.faults.has("clones") || this.seen.has("killed while closing");
    if (this.seen.has("session fenced") && !mayBeFenced)
      throw new SimulationFailure("a session was fenced, and nobody else had its name");
    for (const pod of this.#pods) pod.checkRest();
    for (const pod of this.#pods) pod.retire();
    this.#runUntil(this.timeline.nowMs + 120_000);
    this.#checkEnd();
  }

  /** Between two looks when nothing happens: soon after peace often, then as seldom as keeps shares alive. */
  get restMs(): number {
    return this.timeline.nowMs < this.plan.activeMs + 60_000 ? 3_000 : 10_000;
  }

  note(text: () => string): void {
    if (!this.#traces) return;
    if (this.trace.length >= traceMax * 4) this.trace.splice(0, traceMax);
    this.trace.push(`${(this.timeline.nowMs / 1_000).toFixed(3).padStart(9)} s  ${text()}`);
  }

  chance(fault: FaultName, probability: number): boolean {
    return !this.isQuiet && this.plan.faults.has(fault) && this.faultRandom.chance(probability);
  }

  newIdentity(name: string): Identity {
    this.#identities += 1;
    return {
      session: `session-${this.#identities}`,
      incarnation: 1,
      secret: `secret-${this.#identities}`,
      instanceName: name,
    };
  }

  nextCall(): number {
    this.calls += 1;
    return this.calls;
  }

  wishesOf(limits: ReadonlyMap<string, LimitPlan>): Wish[] {
    const user = `user-${Math.floor(this.workRandom.next() ** 2 * this.plan.users)}`;
    const wishes: Wish[] = [];
    for (const plan of limits.values()) {
      const rule = plan.rules[0]!;
      const family = { limit: plan.uid, rule: rule.name, values: valuesOf(plan, user) };
      const most = this.plan.worst[rule.unit] ?? 1;
      const amount = most === 1 ? 1 : this.workRandom.int(Math.ceil(most / 2), most);
      wishes.push({ of: { plan, rule, family, key: familyKey(family) }, amount });
    }
    return wishes;
  }

  toRecord(request: LeaseRequest, hear: (reply: LeaseReply) => void): void {
    const replica = this.#netRandom.int(0, this.plan.replicas - 1);
    this.#carry(() =>
      this.#record.receive(replica, request, (reply) => {
        this.#carry(() => hear(reply), "a reply");
      }),
    );
  }

  recall(families: readonly Family[]): void {
    for (const pod of this.#pods) this.#carry(() => pod.onRecall(families), "a recall");
  }

  charge(account: string, amount: number): void {
    this.#charged.set(account, (this.#charged.get(account) ?? 0) + amount);
  }

  /** What may be spent twice while two go on from one journal: one lease of each account. */
  excuseClone(session: string, { leases }: HolderSnapshot): void {
    const amounts = new Map(
      leases.map((lease) => [accountId(lease.family, lease.window), lease.granted - lease.returned]),
    );
    for (const [account, known] of this.#record.accounts) {
      const lease = known.leases.get(session);
      if (lease === undefined) continue;
      amounts.set(account, Math.max(amounts.get(account) ?? 0, Number(lease.granted - lease.returned)));
    }
    for (const [account, amount] of amounts) {
      this.oracle.excuse(account, amount);
      this.excused.add(account);
    }
  }

  isExcused({ family, window }: { family: Family; window: number }): boolean {
    return this.excused.has(accountId(family, window));
  }

  #podLimits(limits: ReadonlyMap<string, LimitPlan>): ReadonlyMap<string, LimitPlan> {
    const { podLimit } = this.hooks;
    return podLimit === undefined ? limits : new Map([...limits].map(([uid, plan]) => [uid, podLimit(plan)]));
  }

  #runUntil(untilMs: number): void {
    while (this.timeline.step(untilMs)) this.#check();
  }

  #check(): void {
    for (const pod of this.#pods) if (pod.isUp) pod.check();
  }

  #carry(deliver: () => void, what = "a request"): void {
    const random = this.#netRandom;
    if (this.chance("loss", 0.1)) {
      this.note(() => `bus: ${what} is lost`);
      this.seen.add(`lost: ${what}`);
      return;
    }
    const copies = this.chance("duplicates", 0.15) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const slow = this.chance("delays", 0.1) ? random.int(100, 4_000) : 0;
      this.timeline.after(random.int(1, 5) + slow, deliver);
    }
  }

  #planCalls(): void {
    const next = () => {
      if (this.isQuiet) return;
      this.workRandom.pick(this.#pods).call();
      this.timeline.after(-Math.log(1 - this.workRandom.next()) * this.plan.callEveryMs, next);
    };
    this.timeline.after(1, next);
  }

  #planRecord(): void {
    const next = () => {
      this.#record.tick();
      this.timeline.after(this.isQuiet ? this.restMs : 1_000, next);
    };
    this.timeline.after(500, next);
  }

  #planFaults(): void {
    const next = () => {
      if (this.isQuiet) return;
      this.#strike();
      // Where each fault lasts, too many at once would leave nobody to err with.
      const [from, to] = this.plan.theme === "shares" ? [2_000, 25_000] : [200, 5_000];
      this.timeline.after(this.faultRandom.int(from, to), next);
    };
    this.timeline.after(this.faultRandom.int(0, 2_000), next);
  }

  #strike(): void {
    const random = this.faultRandom;
    const faults = [...this.plan.faults].filter((fault) => fault in this.#strikes);
    if (faults.length === 0) return;
    const fault = random.pick(faults);
    const pod = random.pick(this.#pods);
    this.note(() => `fault: ${fault}, ${pod.name}`);
    this.#strikes[fault]!(pod, random);
  }

  readonly #strikes: Record<string, (pod: PodModel, random: Random) => void> = {
    partitions: (pod, random) => {
      const ms = this.plan.theme === "shares" ? 45_000 : random.pick([500, 5_000, 20_000, 45_000]);
      pod.cutOff(ms, { sends: random.chance(0.7), hears: random.chance(0.7) });
    },
    processCrashes: (pod, random) => pod.killProcess(random.pick([1, 500, 5_000])),
    nodeCrashes: (pod, random) => pod.killNode(random.pick([100, 5_000])),
    rollouts: (pod) => pod.retire(),
    suspensions: (pod, random) => {
      if (random.chance(0.3)) pod.setClock(random.pick([-10_000, 3_000, 60_000]));
      else pod.freeze(this.plan.theme === "shares" ? 40_000 : random.pick([300, 3_000, 40_000]), random.chance(0.6));
    },
    recordClock: (_pod, random) => {
      // Set forward, it frees too early what may be in use: shares bear a step of 3 s, rolling windows none.
      const isRolling = this.plan.limits.some((limit) => limit.rules[0]!.window.kind === "rolling");
      const isForward = !isRolling && !this.#wasSetForward && random.chance(0.5);
      this.#wasSetForward ||= isForward;
      this.#record.clockOffsetMs += isForward ? 3_000 : -random.pick([3_000, 10_000]);
    },
    failovers: (pod, random) => {
      // Whatever takes the record's node down may cut off a pod as well.
      if (this.plan.theme === "lost memory") pod.cutOff(random.pick([2_000, 10_000]), { sends: true, hears: true });
      this.#record.loseCommits(random.pick([0, 100, 1_000, 4_000]), this.hooks.keepsEpoch ?? false);
    },
    restores: (_pod, random) => {
      if (random.chance(0.3)) this.#record.loseCommits(random.pick([1_000, 4_000, 30_000]), true);
    },
    recordOutages: (_pod, random) => {
      if (this.#record.isOut) return;
      this.#record.isOut = true;
      this.timeline.after(random.pick([1_000, 10_000, 40_000]), () => this.#record.hearAgain());
    },
    edits: (_pod, random) => {
      const limit = random.pick([...this.#record.limits.values(), undefined]);
      if (limit === undefined) return;
      const rule = limit.rules[0]!;
      const factor = random.pick([0, 0.3, 0.7, 1.5, 3]);
      this.#edit({ ...limit, rules: [{ ...rule, amount: String(Math.floor(Number(rule.amount) * factor) + 1) }] });
    },
    deletions: (_pod, random) => {
      const limit = random.pick([...this.#record.limits.values(), undefined]);
      if (limit === undefined || !random.chance(0.3)) return;
      this.#publish((limits) => new Map([...limits].filter(([uid]) => uid !== limit.uid)));
      if (random.chance(0.5))
        this.timeline.after(3_000, () => this.#publish((limits) => new Map(limits).set(limit.uid, limit)));
    },
    clones: (pod, random) => {
      const other = random.pick(this.#pods);
      if (other !== pod && random.chance(0.3)) pod.clone(other);
    },
  };

  #edit(limit: LimitPlan): void {
    this.oracle.learn(limit);
    this.seen.add("edit");
    this.#publish((limits) => (limits.has(limit.uid) ? new Map(limits).set(limit.uid, limit) : limits));
  }

  /** Each learns of it at its own time. */
  #publish(change: (limits: ReadonlyMap<string, LimitPlan>) => ReadonlyMap<string, LimitPlan>): void {
    this.#record.limits = change(this.#record.limits);
    for (const pod of this.#pods)
      this.timeline.after(this.faultRandom.int(1, 1_500), () => pod.useLimits(this.#podLimits(this.#record.limits)));
  }

  #makePeace(): void {
    this.isQuiet = true;
    this.note(() => "peace");
    if (this.#record.isOut) this.#record.hearAgain();
    for (const pod of this.#pods) pod.cutOff(0, { sends: false, hears: false });
  }

  #checkEnd(): void {
    const nowMs = this.#record.nowMs;
    for (const pod of this.#pods) {
      if (!pod.isUp) throw new SimulationFailure(`${pod.name} never came back`);
      if (pod.waiting.size > 0) throw new SimulationFailure(`${pod.name}: a call waits for ever`);
      if (pod.running.size > 0) throw new SimulationFailure(`${pod.name}: a call runs for ever`);
    }
    if (!this.#record.epoch.doubled) throw new SimulationFailure("the record never grants again");
    for (const account of this.#record.accounts.values()) this.#checkAccount(account.id, nowMs);
  }

  /** In a world that lost no proof: what is spent is what the holders know, and nothing else is kept from being granted. */
  #checkAccount(id: string, nowMs: number): void {
    const account = this.#record.accounts.get(id)!;
    const limit = this.plan.limits.find((candidate) => id.includes(`@${candidate.uid}/`))!;
    const { window } = limit.rules[0]!;
    const charged = BigInt(this.#charged.get(id) ?? 0);
    const isLossy = this.isTorn || this.seen.has("forgotten grant") || this.seen.has("lost commits");
    if (window.kind === "share") {
      if (!isLossy && spentOf(account) !== 0n)
        throw new SimulationFailure(`${id}: ${spentOf(account)} of a share is spent`);
      return;
    }
    if (window.kind === "rolling") return;
    const spent = spentOf(account);
    // A holder tells again what the record has forgotten: but for windows that are over, and for what was never granted.
    const hasLost = this.isTorn || this.seen.has("lost commits");
    const isEnded = account.endsAtMs !== null && account.endsAtMs <= nowMs;
    const isUngranted = this.excused.has(id) || limit.mode !== "Enforce";
    // Told while the limit was deleted: there was no account to book it in.
    if (isUngranted && this.plan.faults.has("deletions")) return;
    if (hasLost && (isEnded || isUngranted || this.seen.has("forgotten grant"))) return;
    if (spent < charged && !this.hooks.ignoresFence)
      throw new SimulationFailure(`${id}: ${spent} is spent on the record, ${charged} in truth`);
    if (isLossy || (isEnded && this.plan.faults.has("recordClock"))) return;
    if (spent !== charged) throw new SimulationFailure(`${id}: ${spent} is spent on the record, ${charged} in truth`);
    const free = freeOf(account, 1_000_000_000n);
    if (free !== 1_000_000_000n - charged)
      throw new SimulationFailure(`${id}: ${1_000_000_000n - charged - free} is stranded`);
  }
}
