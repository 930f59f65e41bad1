/**
 * A pod as a world has it: the shipped holder, calls that wait and run, clocks that go their own way, and what is left when the
 * process or its node goes down.
 */

import { familyKey, type LeaseReply, type LeaseRequest, type LimitPlan, noValue } from "@sluice/contract";
import {
  Holder,
  type HolderSnapshot,
  type Identity,
  type Moment,
  type Reservation,
  type Wish,
} from "../../src/index.ts";
import { SimulationFailure } from "./oracle.ts";
import type { World } from "./world.ts";

export type Call = {
  readonly id: number;
  readonly wishes: readonly Wish[];
  readonly sinceMs: number;
  reservation: Reservation | undefined;
  holder: Holder | undefined;
  costs: readonly number[];
  ended: boolean;
};

const answerTimeoutMs = 400;
const retryMs = 250;
/** For the record's first word. */
const grantTimeoutMs = 1_000;

export class PodModel {
  readonly name: string;
  readonly #world: World;
  holder: Holder;
  limits: ReadonlyMap<string, LimitPlan>;
  isUp = true;
  isRetiring = false;
  /** Of this boot. */
  #bootMs: number;
  #frozenMs = 0;
  #wallOffsetMs: number;
  readonly #drift: number;
  frozenUntilMs = 0;
  #cutUntilMs = { sends: 0, hears: 0 };
  readonly running = new Set<Call>();
  readonly waiting = new Set<Call>();
  #sent: { request: LeaseRequest; atMs: number; timedOut: boolean } | undefined;
  #tickPlanned = Number.POSITIVE_INFINITY;

  constructor(world: World, name: string, limits: ReadonlyMap<string, LimitPlan>) {
    this.#world = world;
    this.name = name;
    this.limits = limits;
    this.#bootMs = world.timeline.nowMs;
    this.#drift = 1 + (world.workRandom.next() - 0.5) * 0.008;
    this.#wallOffsetMs = world.workRandom.int(-5_000, 5_000);
    this.holder = new Holder(world.newIdentity(name), world.workRandom.next);
    this.#planTick(world.workRandom.int(0, 200));
  }

  get moment(): Moment {
    const { nowMs } = this.#world.timeline;
    const monotonicMs = (nowMs - this.#bootMs - this.#frozenMs) * this.#drift;
    const wallMs = this.#world.unixMs + this.#wallOffsetMs;
    return { nowMs: monotonicMs, wallMs: this.#world.hooks.blindToClocks ? monotonicMs + 1e12 : wallMs };
  }

  call(): void {
    if (this.#world.timeline.nowMs < this.frozenUntilMs) {
      this.#whenAwake(() => this.call());
      return;
    }
    if (!this.isUp || this.isRetiring || this.holder.life !== "open") return;
    const wishes = this.#world.wishesOf(this.limits);
    if (wishes.length === 0) return;
    const sinceMs = this.#world.timeline.nowMs;
    const call: Call = {
      id: this.#world.nextCall(),
      wishes,
      sinceMs,
      reservation: undefined,
      holder: undefined,
      costs: [],
      ended: false,
    };
    this.#try(call);
  }

  onRecall(families: Parameters<Holder["onRecall"]>[0]): void {
    if (!this.isUp || this.#hearsNothing) return;
    this.#whenAwake(() => {
      this.holder.onRecall(families, this.moment.nowMs);
      this.#world.seen.add("recall");
      this.#tick();
    });
  }

  useLimits(limits: ReadonlyMap<string, LimitPlan>): void {
    this.limits = limits;
    this.holder.useLimits(limits);
  }

  /** The process stands still; the wall clock and what is upstream do not. `stopsClock`: nor does the monotonic clock go on. */
  freeze(ms: number, stopsClock: boolean): void {
    if (!this.isUp) return;
    this.frozenUntilMs = Math.max(this.frozenUntilMs, this.#world.timeline.nowMs + ms);
    if (stopsClock) this.#frozenMs += ms;
  }

  /** Of each direction that is cut; 0 ms: heals all. */
  cutOff(ms: number, cut: { sends: boolean; hears: boolean }): void {
    const { nowMs } = this.#world.timeline;
    const until = (before: number, isCut: boolean) => (isCut ? Math.max(before, nowMs + ms) : before);
    if (ms === 0) this.#cutUntilMs = { sends: 0, hears: 0 };
    else
      this.#cutUntilMs = {
        sends: until(this.#cutUntilMs.sends, cut.sends),
        hears: until(this.#cutUntilMs.hears, cut.hears),
      };
  }

  get #hearsNothing(): boolean {
    return this.#world.timeline.nowMs < this.#cutUntilMs.hears;
  }

  /** Steps the wall clock. */
  setClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** The process is killed. Its journal has everything: it is written before the act. */
  killProcess(downMs: number): void {
    if (!this.isUp) return;
    const snapshot = this.#journal();
    const { identity, life } = this.holder;
    if (life === "closing") this.#world.seen.add("killed while closing");
    this.#goDown();
    this.#world.timeline.after(downMs, () => {
      this.isUp = true;
      if (life === "open" || life === "closing") this.#resume(identity, snapshot);
      else this.holder = new Holder(this.#world.newIdentity(this.name), this.#world.workRandom.next);
      this.holder.useLimits(this.limits);
      this.#planTick(1);
    });
  }

  /** The node goes down: nothing proves what was spent. */
  killNode(downMs: number): void {
    if (!this.isUp) return;
    this.#world.isTorn = true;
    const snapshot = this.#journal();
    const { identity } = this.holder;
    this.#goDown();
    this.#world.timeline.after(downMs, () => {
      this.isUp = true;
      this.#bootMs = this.#world.timeline.nowMs;
      this.#frozenMs = 0;
      if (this.#world.hooks.trustsTornJournal)
        this.#resume(identity, { ...snapshot, leases: snapshot.leases.map((lease) => ({ ...lease, reserved: 0 })) });
      else this.holder = new Holder(this.#world.newIdentity(this.name), this.#world.workRandom.next);
      this.#planTick(1);
    });
  }

  /** Two processes go on from one journal: the second is another pod of the world. */
  clone(onto: PodModel): void {
    if (!this.isUp || this.holder.life !== "open") return;
    const snapshot = this.#journal();
    const { identity } = this.holder;
    this.#world.excuseClone(identity.session, snapshot);
    this.killProcess(1);
    onto.#goDown();
    onto.isUp = true;
    onto.#resume(identity, snapshot);
    this.#world.seen.add("clone");
    this.#world.isTorn = true;
    onto.#planTick(5);
  }

  /** Drains, says its last word, and a new process takes its place. */
  retire(): void {
    if (!this.isUp || this.isRetiring) return;
    this.isRetiring = true;
    this.waiting.clear();
    if (this.#world.hooks.closesEarly)
      for (const call of this.running)
        this.#settle(
          call,
          call.costs.map(() => 0),
        );
    this.holder.close();
    this.#planTick(1);
  }

  /** What holds at every moment: each lease covers what was taken of it. */
  check(): void {
    const { moment } = this;
    for (const { family, window, granted, returned, settled, reserved, share } of this.holder.snapshot(moment).leases) {
      const isLimited = this.limits.get(family.limit)?.mode === "Enforce" && share === "none";
      if (!isLimited || returned + settled + reserved <= granted) continue;
      if (this.#world.isExcused({ family, window })) continue;
      throw new SimulationFailure(
        `${this.name}: ${familyKey(family)} has ${granted} granted, ${returned} returned, ${settled} settled, ${reserved} reserved`,
      );
    }
  }

  /** After a long peace nothing lies idle. */
  checkRest(): void {
    for (const { family, granted, returned, settled } of this.holder.snapshot(this.moment).leases)
      if (granted > returned + settled)
        throw new SimulationFailure(`${this.name}: ${familyKey(family)} keeps ${granted - returned - settled}`);
  }

  #try(call: Call): void {
    const { world } = this;
    const { moment } = this;
    const admission = this.holder.admit(call.wishes, moment);
    if (admission.kind === "reserved") {
      this.waiting.delete(call);
      this.#run(call, admission.reservation);
      return;
    }
    const waitedMs = world.timeline.nowMs - call.sinceMs;
    const { shortage } = admission;
    const maxMs = shortage === "Unknown" ? grantTimeoutMs : admission.of.plan.maxWaitMs;
    const mayWait = (shortage === "Unknown" || shortage === "Reserved") && waitedMs < maxMs && !this.isRetiring;
    world.seen.add(`call: ${shortage}`);
    if (!mayWait) {
      this.waiting.delete(call);
      world.note(() => `${this.name}: call ${call.id} is refused, ${shortage} of ${admission.key}`);
      return;
    }
    if (!this.waiting.has(call)) {
      this.waiting.add(call);
      world.note(() => `${this.name}: call ${call.id} waits, ${shortage} of ${admission.key}`);
    }
    this.#planTick(1);
    world.timeline.after(retryMs, () => this.#whenAwake(() => this.waiting.has(call) && this.#try(call)));
  }

  #run(call: Call, reservation: Reservation): void {
    const { world } = this;
    const { nowMs } = world.timeline;
    call.reservation = reservation;
    call.holder = this.holder;
    const part = Math.min(1, world.workRandom.next() * 1.2) * world.plan.costPart;
    const overruns = world.chance("overruns", 0.02);
    call.costs = call.wishes.map(({ of, amount }) => {
      if (of.rule.unit === "slots") return 0;
      if (of.rule.unit === "requests") return 1;
      return overruns ? amount + world.workRandom.int(1, amount) : Math.ceil(amount * part);
    });
    world.note(
      () =>
        `${this.name}: call ${call.id} runs on ${reservation.holds.map((hold) => `${hold.account} ${hold.amount}`).join(", ")}`,
    );
    reservation.holds.forEach((hold, index) => {
      const cost = call.costs[index] ?? 0;
      if (hold.isUngranted) {
        world.oracle.excuse(hold.account, Math.max(cost, 1));
        world.excused.add(hold.account);
        world.seen.add("ungranted");
      } else if (cost > hold.amount) {
        world.oracle.excuse(hold.account, cost - hold.amount);
        world.excused.add(hold.account);
        world.seen.add("overrun");
      }
      if (call.wishes[index]!.of.rule.unit === "slots") world.oracle.start(hold.account);
      else world.oracle.bill(hold.account, { amount: cost, atMs: nowMs });
    });
    this.running.add(call);
    const ms = world.workRandom.int(1, world.plan.callMs);
    const { holder } = this;
    world.timeline.after(ms, () => {
      this.#endUpstream(call);
      this.#whenAwake(() => {
        if (this.running.has(call) && call.holder === holder) this.#settle(call, call.costs);
      });
    });
  }

  #settle(call: Call, costs: readonly number[]): void {
    const { world } = this;
    this.running.delete(call);
    const settledPart = world.hooks.settledPart ?? 1;
    call.holder!.settle(
      call.reservation!,
      costs.map((cost) => Math.floor(cost * settledPart)),
      this.moment.nowMs,
    );
    for (const [index, hold] of call.reservation!.holds.entries()) world.charge(hold.account, costs[index] ?? 0);
    world.note(() => `${this.name}: call ${call.id} has cost ${costs.join(", ")}`);
    for (const waiter of [...this.waiting]) this.#try(waiter);
  }

  /** The provider works on it no more. */
  #endUpstream(call: Call): void {
    if (call.ended) return;
    call.ended = true;
    call.reservation!.holds.forEach((hold, index) => {
      if (call.wishes[index]!.of.rule.unit === "slots") this.#world.oracle.end(hold.account);
    });
  }

  #journal(): HolderSnapshot {
    const snapshot = this.holder.snapshot(this.moment);
    return this.#world.hooks.journal?.(snapshot) ?? snapshot;
  }

  #resume(identity: Identity, snapshot: HolderSnapshot): void {
    const successor = { ...identity, incarnation: identity.incarnation + 1 };
    this.holder = Holder.restore(successor, { snapshot, random: this.#world.workRandom.next, ...this.moment });
    this.#world.seen.add("resumed session");
  }

  #goDown(): void {
    this.isUp = false;
    this.isRetiring = false;
    this.#sent = undefined;
    for (const call of this.running) {
      this.#endUpstream(call);
      if (call.reservation!.isOpen)
        for (const hold of call.reservation!.holds) this.#world.charge(hold.account, hold.amount);
    }
    this.running.clear();
    this.waiting.clear();
  }

  #planTick(ms: number): void {
    const atMs = this.#world.timeline.nowMs + ms;
    if (this.#tickPlanned <= atMs && this.#tickPlanned > this.#world.timeline.nowMs) return;
    this.#tickPlanned = atMs;
    this.#world.timeline.plan(atMs, () => {
      if (this.#tickPlanned !== atMs) return;
      this.#tickPlanned = Number.POSITIVE_INFINITY;
      this.#whenAwake(() => this.#tick());
    });
  }

  #tick(): void {
    if (!this.isUp) return;
    const { nowMs } = this.#world.timeline;
    const request = this.holder.nextRequest(this.moment);
    if (request !== undefined && request !== this.#sent?.request) this.#send(request);
    else if (request !== undefined && this.#sent !== undefined && nowMs - this.#sent.atMs >= answerTimeoutMs) {
      this.holder.onNoAnswer();
      this.#world.seen.add("no answer");
      this.#send(request);
    }
    this.#replaceIfOver();
    this.#planTick(
      this.#world.isQuiet && this.waiting.size === 0 ? this.#world.restMs : this.#sent === undefined ? 200 : 100,
    );
  }

  #replaceIfOver(): void {
    const { life } = this.holder;
    if (life === "fenced" && this.#world.hooks.ignoresFence) return;
    if (life !== "fenced" && life !== "closed") return;
    if (life === "fenced") this.#world.isTorn = true;
    this.#world.note(() => `${this.name}: its session is ${life}`);
    this.#world.seen.add(`session ${life}`);
    this.isRetiring = false;
    this.#sent = undefined;
    // Calls of the old session run on; what they cost is settled where nobody asks for it any more.
    this.holder = new Holder(this.#world.newIdentity(this.name), this.#world.workRandom.next);
  }

  #send(request: LeaseRequest): void {
    const { world } = this;
    this.#sent = { request, atMs: world.timeline.nowMs, timedOut: false };
    if (request.closing) world.seen.add("closing");
    if (request.whole) world.seen.add("whole");
    world.note(
      () =>
        `${this.name}: asks ${request.session} ${request.incarnation}.${request.sequence}${request.whole ? " whole" : ""}${request.closing ? " closing" : ""} ${JSON.stringify(request.asks.map(({ family, need, want, at }) => [familyKey(family), at, need, want]))} tells ${JSON.stringify(request.leases.map(({ family, window, granted, returned, settled, reserved }) => [window, familyKey(family), granted, returned, settled, reserved]))}`,
    );
    if (world.timeline.nowMs < this.#cutUntilMs.sends) return;
    const told = world.hooks.request?.(request) ?? request;
    const sentAtMs = world.timeline.nowMs;
    const { holder } = this;
    // As with a request of any bus: nobody but who asked is answered.
    world.toRecord(told, (reply) => {
      this.#hear(reply, { holder, sentAtMs });
    });
  }

  #hear(reply: LeaseReply, { holder, sentAtMs }: { holder: Holder; sentAtMs: number }): void {
    if (!this.isUp || this.#hearsNothing) return;
    this.#whenAwake(() => {
      if (!this.isUp || holder !== this.holder) return;
      const read = this.world.hooks.reply ? this.world.hooks.reply(reply, this.world.timeline.nowMs - sentAtMs) : reply;
      if (read === undefined) return;
      const news = this.holder.onReply(read, this.moment.nowMs);
      if (news === undefined) {
        this.world.seen.add("late or repeated reply");
        return;
      }
      this.#sent = undefined;
      this.#replaceIfOver();
      for (const call of [...this.waiting]) this.#try(call);
      this.#tick();
    });
  }

  get world(): World {
    return this.#world;
  }

  #whenAwake(run: () => void): void {
    const { nowMs } = this.#world.timeline;
    if (nowMs >= this.frozenUntilMs) run();
    else this.#world.timeline.plan(this.frozenUntilMs, () => this.#whenAwake(run));
  }
}

/** The values of a call for a limit. */
export function valuesOf(plan: LimitPlan, user: string): string[] {
  return plan.per.map((dimension) => (dimension === "User" ? user : noValue));
}
