/** A record of one replica without faults, for tests of single answers. */

import type { LeaseAsk, LeaseReply, LeaseRequest, LeaseTotals, LimitPlan, LimitWindow } from "@sluice/contract";
import {
  type AccountState,
  accountsOf,
  amountOf,
  answer,
  closeSilent,
  type EpochState,
  type RecordChanges,
  rulesOf,
  type SessionState,
  type WindowState,
} from "../src/index.ts";

export type Answered = LeaseReply & { kind: "answered" };

export class SmallRecord {
  readonly sessions = new Map<string, SessionState>();
  readonly windows = new Map<string, WindowState>();
  readonly accounts = new Map<string, AccountState>();
  epoch: EpochState = { version: 1, epoch: "epoch-1", sinceMs: 0, doubled: true };
  limits: ReadonlyMap<string, LimitPlan>;
  nowMs = 1_000_000;

  constructor(...limits: LimitPlan[]) {
    this.limits = new Map(limits.map((limit) => [limit.uid, limit]));
  }

  answer(...requests: LeaseRequest[]): ReturnType<typeof answer> {
    const { limits, sessions, epoch, nowMs } = this;
    const windows = new Map([...this.windows].filter(([rule]) => rulesOf(requests, limits).includes(rule)));
    const ids = accountsOf(requests, { limits, windows, nowMs });
    const accounts = new Map([...this.accounts].filter(([id]) => ids.includes(id)));
    const answered = answer({ requests, limits, amountOf, view: { epoch, sessions, windows, accounts }, nowMs, hash });
    this.write(answered.changed);
    return answered;
  }

  /** The reply to one request. */
  reply(request: LeaseRequest): LeaseReply {
    return this.answer(request).replies[0]!;
  }

  /** The reply, where it has to be an answer. */
  ask(request: LeaseRequest): Answered {
    const reply = this.reply(request);
    if (reply.kind !== "answered") throw new Error(`the reply is ${reply.kind}`);
    return reply;
  }

  closeSilent(hearingSinceMs = 0): RecordChanges {
    const { limits, nowMs } = this;
    const all = { sessions: this.sessions.values(), accounts: this.accounts.values() };
    const changes = closeSilent({ ...all, limits, nowMs, hearingSinceMs });
    this.write(changes);
    return changes;
  }

  write({ sessions, windows, accounts }: RecordChanges): void {
    for (const row of sessions) this.sessions.set(row.session, { ...row, version: row.version + 1 });
    for (const row of windows) this.windows.set(row.rule, { ...row, version: row.version + 1 });
    for (const row of accounts) this.accounts.set(row.id, { ...row, version: row.version + 1 });
  }
}

function hash(text: string): string {
  return text;
}

/** A Budget `limit` of one rule, `usd`. */
export function budget(
  amount: number,
  window: LimitWindow = { kind: "lifetime" },
  more: Partial<LimitPlan> = {},
): LimitPlan {
  return {
    ...{ uid: "limit", kind: "Budget", id: "ai/limit", selector: {}, per: [], overrides: [], mode: "Enforce" },
    rules: [{ name: "usd", unit: "nanoUsd", amount: String(amount), window }],
    ...{ whenShort: "Reject", maxWaitMs: 5_000, whenUnavailable: "Refuse", accountsMax: 100 },
    ...more,
  };
}

export const family = { limit: "limit", rule: "usd", values: [] as string[] };

export function request(session: string, sequence: number, says: Partial<LeaseRequest> = {}): LeaseRequest {
  return {
    ...{ session, sequence, incarnation: 1, secret: `secret of ${session}`, epoch: sequence === 1 ? "" : "epoch-1" },
    ...{ instanceName: session, leases: [], asks: [], whole: false, closing: false },
    ...says,
  };
}

export function need(amount: number, more: Partial<LeaseAsk> = {}): LeaseAsk {
  return { family, at: "Current", need: amount, want: amount, ...more };
}

export function totals(granted: number, more: Partial<LeaseTotals> = {}): LeaseTotals {
  return { family, window: 0, granted, returned: 0, settled: 0, reserved: 0, ...more };
}
