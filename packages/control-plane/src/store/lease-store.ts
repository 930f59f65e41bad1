/**
 * LeaseStore: the part of the Store that keeps accounts, leases and sessions. What is read is one moment of the database; what
 * is written is compared with it, all or nothing, so that several replicas may answer at once.
 */

import type { LimitSelector } from "@sluice/contract";
import type { AccountState, EpochState, RecordChanges, SessionState, WindowState } from "@sluice/limits";

/** Which rows to read; those that are not there are missing from the answer. */
export type LeaseRows = {
  /** By `<limit uid>/<rule>`. */
  readonly windows: readonly string[];
  readonly sessions: readonly string[];
  /** By `accountId`. */
  readonly accounts: readonly string[];
};

export type StoredLeases = {
  /** Which database this is, and in which of its lives: `<system>.<timeline>`. A fail-over or a restore makes it another. */
  readonly memory: string;
  /** The newest that is recorded; 0: none. Its limits are those in force. */
  readonly revision: number;
  /** Undefined: there was none yet. */
  readonly epoch: EpochState | undefined;
  readonly windows: ReadonlyMap<string, WindowState>;
  readonly sessions: ReadonlyMap<string, SessionState>;
  readonly accounts: ReadonlyMap<string, AccountState>;
};

/** Whose silence counts: sessions that were not heard for so long, and hold something of such a rule. */
export type SilentQuery = {
  readonly nowMs: number;
  /** A session counts as heard at this moment, when it was last heard before. */
  readonly hearingSinceMs: number;
  /** After so long an Open session is silent, whatever it holds. */
  readonly lifeMs: number;
  /** After so long what a Closed session has not named in its last word comes back. */
  readonly closedMs: number;
  /** `<limit uid>/<rule>`: what is idle of these comes back earlier, or at all. */
  readonly rules: readonly { readonly rule: string; readonly silentMs: number }[];
  readonly limit: number;
};

/** What a limit was when its accounts were last brought in line with it, as JSON text; see `leases/limit-books.ts`. */
export type LimitBook = { readonly uid: string; readonly version: number; readonly body: string };

/** What the ledger knows of calls that a limit's selector matches, for some values of its `per`. */
export type LedgerSum = {
  readonly values: readonly string[];
  /** Cost and held parts, corrections included. */
  readonly nanoUsd: bigint;
  readonly tokens: bigint;
  readonly requests: bigint;
};

/** Whether an acknowledged commit may be lost. */
export type Durability =
  | { readonly kind: "Durable" }
  | { readonly kind: "Reduced"; readonly reasons: readonly string[] };

export type LeaseStore = {
  readLeases(rows: LeaseRows): Promise<StoredLeases>;
  /**
   * Writes rows whose versions are still those that they carry, in a database whose memory and epoch are still `expected`'s;
   * each row's version grows by one. Answers whether it did: false after a conflict, and nothing is written.
   */
  writeLeases(
    changes: RecordChanges,
    expected: { readonly memory: string; readonly epochVersion: number },
  ): Promise<boolean>;
  /** Of these limits (all, if absent); with `endsAfterMs` only those whose window ends later, or never. */
  listAccounts(filter?: {
    readonly limits?: readonly string[];
    readonly endsAfterMs?: number;
  }): Promise<AccountState[]>;
  /** Accounts in which these sessions hold leases, or are counted with some. */
  accountsOfSessions(sessions: readonly string[]): Promise<AccountState[]>;
  silentSessions(query: SilentQuery): Promise<SessionState[]>;
  /** Open sessions that have not told all they hold under this epoch. */
  unheardSessions(epoch: string, limit: number): Promise<SessionState[]>;
  /**
   * Accounts whose window ended before, and of which no Open session has anything left; and sessions closed before, without
   * leases.
   * Answers how many accounts went.
   */
  forgetAccounts(endedBeforeMs: number): Promise<number>;
  listLimitBooks(): Promise<LimitBook[]>;
  /** By compare-and-set on each one's `version`; version 0: a new one. Answers the uids of those that were written. */
  writeLimitBooks(books: readonly LimitBook[]): Promise<string[]>;
  /**
   * Sums by values of `per`; a call without a value has `(none)`. `charged` (`ruleKey`): a call whose tokens are not known counts
   * with what an account of this rule was charged for it.
   */
  ledgerSums(question: {
    readonly charged?: string;
    readonly selector: LimitSelector;
    readonly namespace?: string;
    readonly per: readonly string[];
    readonly sinceMs: number;
    readonly untilMs: number;
  }): Promise<LedgerSum[]>;
  /** What usage records that began at `sinceMs` or later charged to these accounts; missing: nothing. */
  ledgerCharges(accounts: readonly string[], sinceMs: number): Promise<ReadonlyMap<string, bigint>>;
  durability(): Promise<Durability>;
};
