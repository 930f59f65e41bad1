/**
 * Holder: one session's leases in one process. Everything is in memory and synchronous; it neither sends nor writes. Its owner
 * journals what `admit`, `settle`, `nextRequest` and `onReply` answer before acting on it, carries requests, and wakes calls
 * that wait when their families have news.
 *
 *   nextRequest ─▶ one request, the same until it is answered ─▶ onReply
 *                                                             └▶ onNoAnswer: nobody answers; nextRequest tells it again
 */

import {
  type Family,
  familyKey,
  type LeaseReply,
  type LeaseRequest,
  type LeaseTotals,
  type LimitPlan,
} from "@sluice/contract";
import { amountOf } from "../amount.ts";
import {
  type Admission,
  admit,
  extend,
  type Moment,
  type Overrun,
  type Reservation,
  settle,
  type Wish,
} from "./admit.ts";
import { composeAsks } from "./compose-asks.ts";
import { type Applied, type FamilyBook, forgetShortage, isThin } from "./family-book.ts";
import { ForgottenWindows } from "./forgotten-windows.ts";
import { giveBackThin, giveBackTo, sweep } from "./give-back.ts";
import { type HeldLease, returnIdle, roomOf, totalsOf } from "./held-lease.ts";
import { type HolderSnapshot, restoreSnapshot, takeSnapshot } from "./holder-snapshot.ts";
import { dropShares, type HolderState } from "./holder-state.ts";
import { takeAnswer } from "./take-answer.ts";

export type Identity = {
  /** 128 random bits, hexadecimal. */
  readonly session: string;
  readonly incarnation: number;
  readonly secret: string;
  readonly instanceName: string;
};

export type News = {
  /** Totals to journal: grants, and what the record says is returned. */
  readonly leases: readonly LeaseTotals[];
  /** Keys of families that the record has spoken of: calls that wait for them try again. */
  readonly families: readonly string[];
};

export type Standing = {
  /** The account's limit, and what of it is spent and free as the record last said it, with this holder's own spending since. */
  readonly amount: bigint;
  readonly spent: bigint;
  readonly free: bigint;
  /** What a call may take without asking. */
  readonly room: number;
  readonly endsInMs: number | null;
};

const sweepEveryMs = 1_000;
const reportEveryMs = 1_000;
/** Where only thin families have changed. */
const thinReportEveryMs = 5_000;
const keepAliveMs = 60_000;
const shareKeepAliveMs = 7_500;
/** Clocks that part by more: the process was suspended, or the clock was set. */
const partedMs = 2_000;
/** Of one request; the rest goes with the next. */
const leasesMax = 2_000;

export class Holder {
  readonly identity: Identity;
  readonly #state: HolderState;
  readonly #process: string;
  #life: "open" | "closing" | "closed" | "fenced" = "open";
  #epoch = "";
  #sequence = 0;
  #underWay: { readonly request: LeaseRequest; readonly sentAtMs: number } | undefined;
  #isWholeDue = false;
  #composedAtMs = Number.NEGATIVE_INFINITY;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #sweepAtMs = 0;
  #clocksApartMs: number | undefined;
  #openReservations = 0;

  /** `random`: 0 to 1. */
  constructor(identity: Identity, random: () => number) {
    this.identity = identity;
    this.#process = Math.floor(random() * 2 ** 52).toString(36);
    this.#state = {
      ...{
        books: new Map(),
        leases: new Map(),
        byFamily: new Map(),
        changed: new Set(),
        asking: new Set(),
        adopted: new Map(),
      },
      ...{ forgotten: new ForgottenWindows(), isUrgent: false, isAway: false, sharesUntilMs: Number.NEGATIVE_INFINITY },
      random,
    };
  }

  /** `fenced`: somebody else has spoken with this session's name; a new holder with a new session is needed. */
  get life(): "open" | "closing" | "closed" | "fenced" {
    return this.#life;
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Nobody has answered of late. */
  get isAway(): boolean {
    return this.#state.isAway;
  }

  admit(wishes: readonly Wish[], moment: Moment): Admission {
    this.#watchClocks(moment);
    const first = wishes[0];
    if (this.#life !== "open" && first !== undefined)
      return {
        kind: "short",
        shortage: "Unavailable",
        of: first.of,
        key: first.of.key,
        amount: first.amount,
        retryAfterMs: 1_000,
      };
    const admission = admit(this.#state, wishes, moment);
    if (admission.kind === "reserved") this.#openReservations += 1;
    return admission;
  }

  /** Room for an attempt that comes near its worst case; false: none, and some is asked for. */
  extend(reservation: Reservation, { of, amount, nowMs }: { of: Applied; amount: number; nowMs: number }): boolean {
    return extend(this.#state, { reservation, of, amount, nowMs });
  }

  /** `costs`: in the order of the holds; slots cost nothing. Once: a second time does nothing. */
  settle(reservation: Reservation, costs: readonly number[], nowMs: number): readonly Overrun[] {
    if (reservation.isOpen) this.#openReservations -= 1;
    return settle(this.#state, { reservation, costs, nowMs });
  }

  /**
   * What is to be told now, if anything. Until it is answered, the very same one. Its `returned` totals are to be journaled
   * before it is sent.
   */
  nextRequest({ nowMs, wallMs }: Moment): LeaseRequest | undefined {
    this.#watchClocks({ nowMs, wallMs });
    if (this.#life === "fenced" || this.#life === "closed") return undefined;
    if (this.#underWay !== undefined) return this.#underWay.request;
    if (nowMs >= this.#sweepAtMs) {
      sweep(this.#state, { nowMs, wallMs, isQuiet: !this.#isWholeDue });
      this.#sweepAtMs = nowMs + sweepEveryMs;
    }
    const request = this.#compose(nowMs);
    if (request === undefined) return undefined;
    this.#sequence = request.sequence;
    this.#composedAtMs = nowMs;
    this.#underWay = { request, sentAtMs: nowMs };
    return request;
  }

  /** Only replies to requests of this holder. Answers undefined for one that is none to the request under way. */
  onReply(reply: LeaseReply, nowMs: number): News | undefined {
    const underWay = this.#underWay;
    if (underWay === undefined || reply.sequence !== underWay.request.sequence) return undefined;
    if (reply.incarnation !== this.identity.incarnation) return undefined;
    this.#underWay = undefined;
    switch (reply.kind) {
      case "stale":
      case "fenced":
        this.#life = "fenced";
        return { leases: [], families: [...this.#state.books.keys()] };
      case "epoch":
        this.#epoch = reply.epoch;
        this.#isWholeDue = true;
        this.#state.isAway = false;
        return noNews;
      case "answered": {
        this.#epoch = reply.epoch;
        this.#heardAtMs = underWay.sentAtMs;
        if (underWay.request.closing) this.#life = "closed";
        const { leases, families } = takeAnswer(this.#state, { ...underWay, reply, nowMs });
        return { leases: leases.map((lease) => totalsOf(lease, nowMs)), families };
      }
    }
  }

  /** The request got no answer: limits that say so let pass what they have no room for, until somebody answers. */
  onNoAnswer(): void {
    this.#state.isAway = true;
  }

  /** Others are short: what lies idle goes with the next request, which is due at once. */
  onRecall(families: readonly Family[], nowMs: number): void {
    giveBackTo(this.#state, families, nowMs);
  }

  /** The limits of this moment; leases of what is no longer among them go back. */
  useLimits(limits: ReadonlyMap<string, LimitPlan>): void {
    for (const book of this.#state.books.values()) {
      const plan = limits.get(book.family.limit);
      const rule = plan?.rules.find((candidate) => candidate.name === book.family.rule);
      book.isGone = plan === undefined || rule === undefined || plan.per.length !== book.family.values.length;
      if (plan === undefined || rule === undefined) continue;
      if (JSON.stringify(rule.window) !== JSON.stringify(book.rule.window)) this.#turn(book);
      const { values } = book.family;
      if (amountOf(plan, rule, values) !== amountOf(book.plan, book.rule, values)) forgetShortage(book);
      book.plan = plan;
      book.rule = rule;
    }
  }

  /** What lies idle goes back, and when the last attempt has settled, the session's last word is said. */
  close(): void {
    if (this.#life === "open") this.#life = "closing";
  }

  standing(key: string, nowMs: number): Standing | undefined {
    const found = this.#state.books.get(key);
    const book = found?.alias !== undefined && nowMs < found.aliasUntilMs ? found.alias : found;
    if (book?.standing === undefined) return undefined;
    const lease = book.current;
    const since = lease === undefined ? 0n : BigInt(lease.settled - lease.toldSettled);
    const endsInMs = lease === undefined || lease.endsAtMs === Number.POSITIVE_INFINITY ? null : lease.endsAtMs - nowMs;
    const { amount, spent, free } = book.standing;
    return {
      amount,
      spent: spent + since,
      free,
      room: lease === undefined ? 0 : Math.max(0, roomOf(lease, nowMs)),
      endsInMs,
    };
  }

  snapshot(moment: Moment): HolderSnapshot {
    return takeSnapshot(this.#state, { epoch: this.#epoch, ...moment });
  }

  /** A successor from a complete journal. `identity.incarnation` is one more than the predecessor's. */
  static restore(
    identity: Identity,
    { snapshot, random, nowMs, wallMs }: Moment & { snapshot: HolderSnapshot; random: () => number },
  ): Holder {
    const holder = new Holder(identity, random);
    holder.#epoch = snapshot.epoch;
    restoreSnapshot(holder.#state, snapshot, { nowMs, wallMs });
    return holder;
  }

  #compose(nowMs: number): LeaseRequest | undefined {
    const state = this.#state;
    if (this.#life === "closing") {
      if (this.#openReservations > 0) giveBackAll(state, nowMs);
      else return this.#closingRequest(nowMs);
    }
    if (this.#isWholeDue) {
      this.#isWholeDue = false;
      state.changed.clear();
      return this.#request({ leases: [...state.leases.values()], asks: [], whole: true, nowMs });
    }
    const isReport = this.#isReportDue(nowMs);
    if (isReport) giveBackThin(state, nowMs);
    const asks = composeAsks(state, nowMs);
    if (asks.length === 0 && !isReport && !state.isUrgent && !this.#isKeepAliveDue(nowMs)) return undefined;
    state.isUrgent = false;

    const leases = new Set<HeldLease>();
    for (const { family } of asks) {
      // Whole families: what is asked for and not told of is taken for a sign that it is not known here.
      for (const lease of state.byFamily.get(familyKey(family)) ?? []) leases.add(lease);
    }
    for (const lease of state.changed) if (leases.size < leasesMax) leases.add(lease);
    for (const lease of leases) state.changed.delete(lease);
    return this.#request({ leases: [...leases], asks, whole: false, nowMs });
  }

  #closingRequest(nowMs: number): LeaseRequest {
    const leases = [...this.#state.leases.values()];
    for (const lease of leases) returnIdle(lease, { keep: 0, nowMs });
    return { ...this.#request({ leases, asks: [], whole: this.#epoch !== "", nowMs }), closing: true };
  }

  #request(says: {
    leases: readonly HeldLease[];
    asks: LeaseRequest["asks"];
    whole: boolean;
    nowMs: number;
  }): LeaseRequest {
    const { session, incarnation, secret, instanceName } = this.identity;
    return {
      ...{ session, incarnation, sequence: this.#sequence + 1, secret, epoch: this.#epoch },
      ...{ instanceName, process: this.#process },
      leases: says.leases.map((lease) => totalsOf(lease, says.nowMs)),
      asks: says.asks,
      whole: says.whole,
      closing: false,
    };
  }

  #isReportDue(nowMs: number): boolean {
    const { changed, books } = this.#state;
    const sinceMs = nowMs - this.#composedAtMs;
    if (changed.size === 0 || sinceMs < reportEveryMs) return false;
    if (sinceMs >= thinReportEveryMs) return true;
    for (const lease of changed) {
      const book = books.get(lease.key);
      if (book !== undefined && !isThin(book, nowMs)) return true;
    }
    return false;
  }

  #isKeepAliveDue(nowMs: number): boolean {
    const sinceMs = nowMs - this.#heardAtMs;
    const isKnown = this.#sequence > 0 || this.identity.incarnation > 1;
    if (!isKnown || sinceMs < shareKeepAliveMs) return false;
    if (sinceMs >= keepAliveMs) return true;
    for (const lease of this.#state.leases.values())
      if (lease.share !== "none" && lease.granted > lease.returned) return true;
    return false;
  }

  #watchClocks({ nowMs, wallMs }: Moment): void {
    const apartMs = wallMs - nowMs;
    this.#clocksApartMs ??= apartMs;
    if (Math.abs(apartMs - this.#clocksApartMs) <= partedMs) return;
    this.#clocksApartMs = apartMs;
    // An answer to what was sent before says nothing of how long ago that was.
    if (this.#underWay !== undefined) this.#underWay = { ...this.#underWay, sentAtMs: Number.NEGATIVE_INFINITY };
    dropShares(this.#state, nowMs);
  }

  /** Another window from now on: the lease of the old one goes back. */
  #turn(book: FamilyBook): void {
    for (const lease of [book.current, book.next]) {
      if (lease === undefined) continue;
      lease.isEnded = true;
      this.#state.changed.add(lease);
    }
    book.current = undefined;
    book.next = undefined;
    book.ungrantedUntilMs = 0;
  }
}

const noNews: News = { leases: [], families: [] };

function giveBackAll(state: HolderState, nowMs: number): void {
  for (const lease of state.leases.values()) if (returnIdle(lease, { keep: 0, nowMs })) state.changed.add(lease);
}
