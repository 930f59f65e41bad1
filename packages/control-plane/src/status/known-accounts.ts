/**
 * The accounts of all limits as this replica last saw them: at once where it wrote them itself, and every few seconds where
 * another did. What alerts and statuses are made of; nothing is granted by it.
 */

import { isDeepStrictEqual } from "node:util";
import { type LimitPlan, readAccountId } from "@sluice/contract";
import type { AccountState } from "@sluice/limits";
import { type AccountFigures, figuresOf } from "./account-figures.ts";

/** Limits have 10,000 accounts at most each; what is beyond this is seen by the next full look alone. */
const accountsMax = 500_000;

/** An account that was refused as exhausted: when first, and when last. */
export type Refused = { readonly sinceMs: number; readonly lastMs: number };

export type LimitFigures = { readonly plan: LimitPlan; readonly accounts: readonly AccountFigures[] };

export class KnownAccounts {
  #accounts = new Map<string, AccountState>();
  #limits: ReadonlyMap<string, LimitPlan> = new Map();
  readonly #exhausted = new Map<string, Refused>();

  useLimits(plans: readonly LimitPlan[]): void {
    const before = this.#limits;
    this.#limits = new Map(plans.map((plan) => [plan.uid, plan]));
    // Under another amount, what was full may have room.
    for (const id of this.#exhausted.keys()) {
      const uid = readAccountId(id)?.family.limit ?? "";
      if (!isDeepStrictEqual(before.get(uid), this.#limits.get(uid))) this.#exhausted.delete(id);
    }
  }

  /** What has just been written, or read. */
  note(accounts: Iterable<AccountState>): void {
    for (const account of accounts) {
      const known = this.#accounts.get(account.id);
      if (known !== undefined && known.version > account.version) continue;
      if (known !== undefined || this.#accounts.size < accountsMax) this.#accounts.set(account.id, account);
    }
  }

  /** All there are: what is missing is gone. */
  noteAll(accounts: Iterable<AccountState>): void {
    const before = this.#accounts;
    this.#accounts = new Map();
    for (const account of accounts) {
      const known = before.get(account.id);
      const isOlder = known !== undefined && known.version > account.version;
      if (this.#accounts.size < accountsMax) this.#accounts.set(account.id, isOlder ? known : account);
    }
    for (const id of this.#exhausted.keys()) if (!this.#accounts.has(id)) this.#exhausted.delete(id);
  }

  noteExhausted(ids: Iterable<string>, nowMs: number): void {
    for (const id of ids) {
      const sinceMs = this.#exhausted.get(id)?.sinceMs;
      if (sinceMs !== undefined || this.#exhausted.size < accountsMax)
        this.#exhausted.set(id, { sinceMs: sinceMs ?? nowMs, lastMs: nowMs });
    }
  }

  get exhausted(): ReadonlyMap<string, Refused> {
    return this.#exhausted;
  }

  /** Of the windows of now, by the limit's uid. */
  figures(nowMs: number): Map<string, LimitFigures> {
    const found = new Map<string, { plan: LimitPlan; accounts: AccountFigures[] }>(
      [...this.#limits].map(([uid, plan]) => [uid, { plan, accounts: [] }]),
    );
    for (const account of this.#accounts.values()) {
      const figures = figuresOf(account, this.#limits, nowMs);
      if (figures !== undefined) found.get(figures.plan.uid)?.accounts.push(figures);
    }
    return found;
  }

  /** Of some accounts alone: what changed is looked at at once, without going over all. */
  figuresOf(accounts: Iterable<AccountState>, nowMs: number): AccountFigures[] {
    return [...accounts].flatMap((account) => figuresOf(account, this.#limits, nowMs) ?? []);
  }
}
