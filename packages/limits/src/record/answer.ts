/**
 * The record's side, as one function: requests and the rows they touch in, replies and changed rows out. The caller reads the
 * rows (`needed-rows.ts`), writes the changes by compare-and-set, and only then sends the replies; after a conflict it reads
 * and answers again.
 */

import type { LeaseAsk, LeaseGrant, LeaseReply, LeaseRequest, Shortage } from "@sluice/contract";
import { accountId, type Family, familyKey } from "@sluice/contract";
import type { AmountOf } from "../amount.ts";
import { expire } from "./account.ts";
import { type Books, bookTotals, knowsLessThanItTold, knowsMoreThanRecord } from "./book-totals.ts";
import { Draft, type Limits, noChanges, type RecordChanges, type RecordView, ruleOf } from "./draft.ts";
import { grant, othersHoldIdle } from "./grant.ts";
import { judgeSpeaker } from "./judge-speaker.ts";
import { openAccount, placeAccount } from "./place-account.ts";
import type { EpochState } from "./record-state.ts";
import { epochHoldMs, recallEveryMs, shareLifeMs } from "./record-times.ts";
import { tellLease, toldFamily } from "./tell-lease.ts";

export type Question = {
  /** Valid by the contract's schema; in the order of their coming. */
  readonly requests: readonly LeaseRequest[];
  readonly limits: Limits;
  readonly amountOf: AmountOf;
  readonly view: RecordView;
  /** The record's clock: Unix milliseconds. */
  readonly nowMs: number;
  /** SHA-256, hexadecimal. */
  readonly hash: (text: string) => string;
};

export type Answer = {
  /** One for each request, in order; none when `epochLost`. */
  readonly replies: readonly LeaseReply[];
  readonly changed: RecordChanges;
  /** Families whose accounts somebody is short of: to be signalled to all. */
  readonly recalls: readonly Family[];
  /** The record has lost commits that it had told of: the caller starts a new epoch, and answers again. */
  readonly epochLost: boolean;
};

export function answer(question: Question): Answer {
  const draft = new Draft(question.view);
  const recalls = new Map<string, Family>();
  const replies: LeaseReply[] = [];
  for (const request of question.requests) {
    const reply = answerOne(request, { ...question, draft, recalls });
    if (reply === "lost") return { replies: [], changed: noChanges, recalls: [], epochLost: true };
    replies.push(reply);
  }
  return { replies, changed: draft.changes(), recalls: [...recalls.values()], epochLost: false };
}

/** When it should be over and is not yet: so that nobody asks all the time. */
const holdMsMin = 100;

/** Grants rest until every session that could speak has been heard, and the others were counted twice. */
export function holdMsOf(epoch: EpochState, nowMs: number): number {
  return epoch.doubled ? 0 : Math.max(holdMsMin, Math.min(epochHoldMs, epoch.sinceMs + epochHoldMs - nowMs));
}

type Desk = Question & { readonly draft: Draft; readonly recalls: Map<string, Family> };

function answerOne(request: LeaseRequest, desk: Desk): LeaseReply | "lost" {
  const { draft, limits, nowMs, hash, view } = desk;
  const verdict = judgeSpeaker({
    request,
    known: draft.session(request.session),
    secretHash: hash(request.secret),
    digest: hash(JSON.stringify(request)),
    epoch: view.epoch.epoch,
    nowMs,
  });
  if (verdict.kind === "lost") return "lost";
  if (verdict.kind === "reply") {
    if (verdict.session !== undefined) draft.writeSession(verdict.session);
    return verdict.reply;
  }
  const wasClosed = draft.session(request.session)?.state === "Closed";
  if (wasClosed) return answered(request, { desk, leases: [] });

  const books: Books = { draft, limits, request, adopts: verdict.adopts, nowMs };
  if (knowsMoreThanRecord(books)) return "lost";
  if (knowsLessThanItTold(books)) {
    draft.writeSession({ ...verdict.session, state: "Fenced" });
    return { kind: "fenced", incarnation: request.incarnation, sequence: request.sequence };
  }
  draft.writeSession(verdict.session);
  const told = bookTotals(books);
  if (request.closing) return answered(request, { desk, leases: [] });

  const asked = request.asks.flatMap((ask) => answerAsk(ask, request, desk) ?? []);
  const isAsked = new Set(asked.map((one) => accountId(one.family, one.window)));
  const leases: LeaseGrant[] = [];
  for (const [{ family, window }, id] of told)
    if (!isAsked.has(id)) leases.push(tellLease(family, { window, session: request.session, desk }));
  return answered(request, { desk, leases: [...leases, ...asked] });
}

function answered(request: LeaseRequest, { desk, leases }: { desk: Desk; leases: LeaseGrant[] }): LeaseReply {
  const { incarnation, sequence } = request;
  const { epoch } = desk.view;
  return {
    kind: "answered",
    incarnation,
    sequence,
    epoch: epoch.epoch,
    shareLifeMs,
    holdMs: holdMsOf(epoch, desk.nowMs),
    leases,
    recalls: recallsFor(request, leases, desk),
  };
}

function answerAsk(ask: LeaseAsk, { session, leases }: LeaseRequest, desk: Desk): LeaseGrant | undefined {
  const { draft, limits, nowMs, amountOf, recalls } = desk;
  const found = ruleOf(limits, ask.family);
  const window = found && draft.window({ ...found, at: ask.at, nowMs });
  if (found === undefined || window === undefined) return undefined;
  const { plan, rule } = found;

  const { family, account: read } = placeAccount(ask.family, { window, plan, at: ask.at, draft });
  let account = rule.window.kind === "rolling" ? expire(read, nowMs) : read;
  let shortage: Shortage | undefined;
  const isTold = leases.some((told) => accountId(told.family, told.window) === account.id);
  const hasSettled = (account.leases.get(session)?.settled ?? 0n) > 0n;
  if (hasSettled && !isTold && family === ask.family) {
    // It has forgotten this window, and does well to; or it never knew, and is another spender: nothing is left for it.
    const told = tellLease(family, { window: window.startsAtMs, session, desk });
    return { ...told, returned: told.granted, shortage: "Reserved" };
  }
  if (holdMsOf(desk.view.epoch, nowMs) === 0) {
    const amount = amountOf(plan, rule, family.values);
    const isShare = rule.window.kind === "share";
    const given = grant({ account, session, need: BigInt(ask.need), want: BigInt(ask.want), amount, isShare });
    ({ account, shortage } = given);
    const isRecallDue = Math.abs(nowMs - account.recalledAtMs) >= recallEveryMs;
    if (shortage !== undefined && isRecallDue && othersHoldIdle(account, session)) {
      account = { ...account, recalledAtMs: nowMs };
      recalls.set(familyKey(family), family);
    }
    if (account.version === 0 && account !== read && draft.account(account.id) === undefined)
      if (ask.at === "Current") openAccount(family, { window, draft });
    if (account !== read) draft.writeAccount(account);
  }
  const told = tellLease(family, { window: window.startsAtMs, session, desk });
  const asked = family === ask.family ? {} : { asked: toldFamily(ask.family) };
  return { ...told, ...asked, ...(shortage === undefined ? {} : { shortage }) };
}

/**
 * What others of this batch, or of the last second, are short of, and this session holds. Not what it was granted just now: a
 * call waits for that, and giving it back at once would serve nobody.
 */
function recallsFor(
  request: LeaseRequest,
  leases: readonly LeaseGrant[],
  { draft, nowMs }: Desk,
): LeaseGrant["family"][] {
  const due: LeaseGrant["family"][] = [];
  const waitedFor = new Set(request.asks.flatMap(({ need, family }) => (need > 0 ? [familyKey(family)] : [])));
  for (const { family, asked, window, shortage, granted, returned } of leases) {
    if (waitedFor.has(familyKey(asked ?? family))) continue;
    const recalledAtMs = draft.account(accountId(family, window))?.recalledAtMs ?? 0;
    const isRecent = recalledAtMs > 0 && Math.abs(nowMs - recalledAtMs) < recallEveryMs;
    if (isRecent && shortage === undefined && granted > returned) due.push(family);
  }
  return due.slice(0, request.leases.length + request.asks.length);
}
