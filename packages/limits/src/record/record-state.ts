/**
 * What the record knows of leases: accounts, sessions, windows. Plain values, as the Store reads and writes them; whatever
 * changes is written by compare-and-set on `version`, so that several replicas may answer at once.
 */

/** One session's lease of one account. Amounts are totals since the lease began; see `lease.ts` of the contract. */
export type LeaseState = {
  readonly granted: bigint;
  readonly returned: bigint;
  readonly settled: bigint;
  /** As last told; for status, and for telling shortage from exhaustion. */
  readonly reserved: bigint;
  /** `WrittenOff`: its session is silent. Its unsettled part counts as spent until the session, or its successor, speaks again. */
  readonly state: "Open" | "WrittenOff";
};

export type AccountState = {
  /** `accountId` of the contract. */
  readonly id: string;
  /** 0: no row yet. */
  readonly version: number;
  /** Unix milliseconds; null: never. */
  readonly endsAtMs: number | null;
  /** Settled of leases that are closed. */
  readonly closed: bigint;
  /** Taken over from the ledger at an edit, and corrections by an operator; may be negative, `spent` is not. */
  readonly carried: bigint;
  /** Rolling windows: what was settled, and until when it counts; ascending. Already in `settled` or `closed`. */
  readonly expiring: readonly { readonly untilMs: number; readonly amount: bigint }[];
  /** Rolling windows: what of `settled` and `closed` counts no more. */
  readonly expired: bigint;
  /** By session. */
  readonly leases: ReadonlyMap<string, LeaseState>;
  /** When others were last told to give back what lies idle. */
  readonly recalledAtMs: number;
};

export type SessionState = {
  readonly session: string;
  /** 0: no row yet. */
  readonly version: number;
  readonly state: "Open" | "Dead" | "Closed" | "Fenced";
  /** SHA-256 of its secret, hexadecimal. */
  readonly secretHash: string;
  readonly instanceName: string;
  readonly incarnation: number;
  readonly sequence: number;
  /** Of the latest request's text, so that the same one sent again is told from another. */
  readonly digest: string;
  readonly heardAtMs: number;
  /** The record's epoch that it has told all its leases under. */
  readonly epoch: string;
};

/** The window that a rule is in. Its boundaries are settled when it is opened, and never move back. */
export type WindowState = {
  /** `<limit uid>/<rule>`, as `familyKey` without values. */
  readonly rule: string;
  readonly version: number;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  /** Accounts opened in it, `(other)` not counted. */
  readonly accounts: number;
};

/** One row: whose memory this is. */
export type EpochState = {
  readonly version: number;
  /** Database system, timeline and restore counter, as one text. */
  readonly epoch: string;
  /** When it became so: grants rest for a while, and sessions that are not heard count twice. */
  readonly sinceMs: number;
  /** Leases of sessions that were not heard have been counted twice. */
  readonly doubled: boolean;
};
