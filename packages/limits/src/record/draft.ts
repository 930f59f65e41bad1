/** A working copy of the rows that a batch of requests touches: reads see its own writes; `changes` is what is to be written. */

import { type Family, familyKey, type LimitPlan, type LimitRule } from "@sluice/contract";
import { emptyAccount } from "./account.ts";
import { currentWindow, nextWindow } from "./current-window.ts";
import type { AccountState, EpochState, SessionState, WindowState } from "./record-state.ts";

/** Rows as read. A row that is missing is none (version 0). */
export type RecordView = {
  readonly epoch: EpochState;
  /** By session. */
  readonly sessions: ReadonlyMap<string, SessionState>;
  /** By `<limit uid>/<rule>`, as `familyKey` without values. */
  readonly windows: ReadonlyMap<string, WindowState>;
  /** By `accountId`. */
  readonly accounts: ReadonlyMap<string, AccountState>;
};

/** Rows to write, all or none, each only while its version is still the one that it carries. */
export type RecordChanges = {
  readonly epoch?: EpochState;
  readonly sessions: readonly SessionState[];
  readonly windows: readonly WindowState[];
  readonly accounts: readonly AccountState[];
};

export const noChanges: RecordChanges = { sessions: [], windows: [], accounts: [] };

export class Draft {
  readonly #view: RecordView;
  readonly #sessions = new Map<string, SessionState>();
  readonly #windows = new Map<string, WindowState>();
  readonly #accounts = new Map<string, AccountState>();

  constructor(view: RecordView) {
    this.#view = view;
  }

  session(session: string): SessionState | undefined {
    return this.#sessions.get(session) ?? this.#view.sessions.get(session);
  }

  writeSession(session: SessionState): void {
    this.#sessions.set(session.session, session);
  }

  account(id: string): AccountState | undefined {
    return this.#accounts.get(id) ?? this.#view.accounts.get(id);
  }

  accountOrEmpty(id: string, endsAtMs: number | null): AccountState {
    return this.account(id) ?? emptyAccount(id, endsAtMs);
  }

  writeAccount(account: AccountState): void {
    this.#accounts.set(account.id, account);
  }

  /** The rule's window of this moment, opened when there is none; undefined: no window follows. */
  window({ plan, rule, at, nowMs }: RuleMoment): WindowState | undefined {
    const key = ruleKey(plan.uid, rule.name);
    const stored = this.#windows.get(key) ?? this.#view.windows.get(key);
    const current = currentWindow(rule, { key, stored, nowMs });
    // Stored when it opens: no later moment of any clock leads back.
    if (current !== stored) this.writeWindow(current);
    return at === "Current" ? current : nextWindow(rule, current);
  }

  writeWindow(window: WindowState): void {
    this.#windows.set(window.rule, window);
  }

  changes(): RecordChanges {
    return {
      sessions: [...this.#sessions.values()],
      windows: [...this.#windows.values()],
      accounts: [...this.#accounts.values()],
    };
  }
}

export type RuleMoment = {
  readonly plan: LimitPlan;
  readonly rule: LimitRule;
  readonly at: "Current" | "Next";
  readonly nowMs: number;
};

/** The name of a rule's window row. */
export function ruleKey(limit: string, rule: string): string {
  return familyKey({ limit, rule, values: [] });
}

export type Limits = ReadonlyMap<string, LimitPlan>;

/** The limit and rule that a family is of; undefined when they are gone. */
export function ruleOf(limits: Limits, family: Family): { plan: LimitPlan; rule: LimitRule } | undefined {
  const plan = limits.get(family.limit);
  const rule = plan?.rules.find((candidate) => candidate.name === family.rule);
  return plan === undefined || rule === undefined ? undefined : { plan, rule };
}
