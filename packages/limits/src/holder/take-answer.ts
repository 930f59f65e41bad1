/**
 * Takes over what the record has answered. What may be spent until when is counted from the moment that the request was first
 * sent, less 1 %: the record can't have counted from an earlier one.
 */

import {
  accountId,
  familyKey,
  type LeaseAsk,
  type LeaseGrant,
  type LeaseReply,
  type LeaseRequest,
} from "@sluice/contract";
import { type FamilyBook, noteGrant, noteHold, noteShortage } from "./family-book.ts";
import { giveBackTo } from "./give-back.ts";
import type { HeldLease } from "./held-lease.ts";
import { dropShares, type HolderState, leaseOf, openBook, replaceCurrent, ruleName } from "./holder-state.ts";

export type Answered = {
  readonly reply: LeaseReply & { kind: "answered" };
  readonly request: LeaseRequest;
  /** When the request was first sent. */
  readonly sentAtMs: number;
  readonly nowMs: number;
};

/** Of a lease's life, what its holder uses: clocks may run apart by the rest. */
const safeLife = 0.99;
/** Shares are promised to others when their life is over. */
const safeShareLife = 0.8;

/** Answers the leases that it touched, and the keys of the families that it has news of. */
export function takeAnswer(state: HolderState, answered: Answered): { leases: HeldLease[]; families: string[] } {
  const { reply, request, sentAtMs, nowMs } = answered;
  state.isAway = false;
  // Nobody answered for too long: the record has, or may have, given the shares to others.
  if (nowMs >= state.sharesUntilMs) dropShares(state, nowMs);
  state.sharesUntilMs = sentAtMs + safeShareLife * reply.shareLifeMs;

  for (const told of request.leases) {
    const lease = state.leases.get(accountId(told.family, told.window));
    if (lease !== undefined) lease.toldSettled = told.settled;
  }
  const open = new Map(request.asks.map((ask) => [askKey(ask.at, familyKey(ask.family)), ask]));
  const answering = answers(reply.leases);
  const leases: HeldLease[] = [];
  const families = new Set<string>();
  for (const grant of reply.leases) {
    const askedKey = familyKey(grant.asked ?? grant.family);
    const at = askKeyOf(grant);
    const ask = answering.get(at) === grant ? open.get(at) : undefined;
    const lease = takeLease(state, { ...answered, grant, askedKey, ask });
    if (lease !== undefined) leases.push(lease);
    if (ask === undefined) continue;
    open.delete(at);
    families.add(askedKey);
    families.add(familyKey(grant.family));
    if (lease === undefined) noteRefusal(state, askedKey, nowMs);
    else takeWord(state, { ask, grant, reply, endsAtMs: lease.endsAtMs, nowMs });
  }
  // What was asked for and not spoken of: the record does not know the limit yet, or no more.
  for (const ask of open.values()) if (ask.at === "Current") noteRefusal(state, familyKey(ask.family), nowMs);
  giveBackTo(state, reply.recalls, nowMs);
  return { leases, families: [...families] };
}

function noteRefusal(state: HolderState, key: string, nowMs: number): void {
  const book = state.books.get(key);
  if (book !== undefined) noteHold(book, { holdMs: 1_000, nowMs });
}

/** By ask: a family may have leases of several windows that are not over, after an edit; what was asked for comes last. */
function answers(grants: readonly LeaseGrant[]): Map<string, LeaseGrant> {
  return new Map(grants.map((grant) => [askKeyOf(grant), grant]));
}

function askKeyOf({ beginsInMs, asked, family }: LeaseGrant): string {
  return askKey(beginsInMs > 0 ? "Next" : "Current", familyKey(asked ?? family));
}

function askKey(at: LeaseAsk["at"], key: string): string {
  return `${at} ${key}`;
}

type Grant = Answered & { readonly grant: LeaseGrant; readonly askedKey: string; readonly ask: LeaseAsk | undefined };

function takeLease(state: HolderState, { grant, askedKey, ask, sentAtMs, nowMs }: Grant): HeldLease | undefined {
  const { family, window, beginsInMs, endsInMs } = grant;
  const key = familyKey(family);
  const asked = state.books.get(askedKey);
  const book = state.books.get(key) ?? (asked && ask && openBook(state, { ...asked, family, key }));
  const id = accountId(family, window);
  if (!state.leases.has(id)) {
    // What was settled of a forgotten lease is no longer known here: taken as new, it would be spent twice.
    if (book === undefined || state.forgotten.has(ruleName(family), window)) return undefined;
  }
  const of = book?.rule.window ?? { kind: "lifetime" };
  const lease = leaseOf(state, { family, key, window, of });
  if (grant.granted > lease.granted) lease.lastUsedMs = Math.max(lease.lastUsedMs, nowMs + beginsInMs);
  lease.granted = Math.max(lease.granted, grant.granted);
  lease.returned = Math.max(lease.returned, grant.returned);
  lease.usableFromMs = beginsInMs > 0 ? nowMs + beginsInMs : 0;
  lease.usableUntilMs = endsInMs === null ? Number.POSITIVE_INFINITY : sentAtMs + endsInMs * safeLife;
  // A rolling window has no end: what is told is how long it may be spent without asking again.
  lease.endsAtMs = endsInMs === null || window === 0 ? Number.POSITIVE_INFINITY : nowMs + endsInMs;
  if (book !== undefined) {
    book.standing = { amount: BigInt(grant.amount), spent: BigInt(grant.spent), free: BigInt(grant.free) };
    attach(state, book, { lease, grant, isAsked: ask !== undefined });
  }
  if (asked !== undefined && book !== undefined && asked !== book) {
    asked.alias = book;
    asked.aliasUntilMs = lease.endsAtMs;
  }
  return lease;
}

function attach(
  state: HolderState,
  book: FamilyBook,
  { lease, grant, isAsked }: { lease: HeldLease; grant: LeaseGrant; isAsked: boolean },
): void {
  if (grant.beginsInMs > 0) {
    if (!isAsked && book.next !== undefined) return;
    lease.isEnded = false;
    if (book.current === lease) book.current = undefined;
    book.next = lease;
    return;
  }
  if (grant.endsInMs === 0) {
    if (book.next === lease) book.next = undefined;
    if (!lease.isEnded) state.changed.add(lease);
    lease.isEnded = true;
    if (book.current === lease) book.current = undefined;
    return;
  }
  const isNewer = book.current === undefined || lease.window >= book.current.window;
  if (isAsked || (!lease.isEnded && isNewer)) replaceCurrent(state, book, lease);
}

function takeWord(
  state: HolderState,
  said: { ask: LeaseAsk; grant: LeaseGrant; reply: Answered["reply"]; endsAtMs: number; nowMs: number },
): void {
  const { ask, grant, reply, endsAtMs, nowMs } = said;
  if (ask.at === "Next") return;
  for (const family of grant.asked === undefined ? [grant.family] : [grant.family, grant.asked]) {
    const book = state.books.get(familyKey(family));
    if (book === undefined) continue;
    const { shortage } = grant;
    if (shortage !== undefined)
      noteShortage(book, { shortage, need: ask.need, endsAtMs, nowMs, random: state.random() });
    else if (reply.holdMs > 0) noteHold(book, { holdMs: reply.holdMs, nowMs });
    else noteGrant(book);
  }
}
