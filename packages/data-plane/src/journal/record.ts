/**
 * What the journal says: one record a fact, written before it is acted on. The state of a data plane's books is the fold of its
 * records (`state.ts`), which it keeps: they are not to be changed afterwards. Amounts are in the unit of their account.
 */

/** Bumped when an older reader would misread the records. */
export const journalFormat = 1;

/** Whose books these are: the first record of every segment. */
export type JournalHead = {
  readonly kind: "head";
  readonly format: number;
  /** Of the running kernel: another one says that the machine was restarted since, and that pages may be missing. */
  readonly bootId: string;
  /** The pod, or the host: another one's books are not taken over. */
  readonly owner: string;
} & JournalIdentity;

export type JournalIdentity = {
  /** Of the holder of leases (`lease.ts` of the contract). */
  readonly session: string;
  readonly incarnation: number;
  readonly secret: string;
  /** Of the process: its usage events are numbered under this name. */
  readonly instance: string;
};

/** Totals since the lease began. */
export type JournalLease = {
  /** `accountId` of the contract. */
  readonly key: string;
  readonly granted: number;
  readonly returned: number;
  readonly settled: number;
  /** When its window ends and until when it may be spent, as the writer counts time; null: never, absent: as before. */
  readonly endsAtMs?: number | null;
  readonly usableUntilMs?: number | null;
  /** Of a rate or of slots: it is not settled, and ends with its process. */
  readonly share?: "slots" | "rate";
  readonly rateMs?: number;
};

/** Amounts by lease key. */
export type JournalAmounts = readonly (readonly [lease: string, amount: number])[];

export type JournalEvent = {
  readonly seq: number;
  /** Members of a usage event as JSON, but for `instance` and `seq`. */
  readonly members: string;
  /** Absent: the head's. Another one's events wait for room in the spool. */
  readonly instance?: string;
};

export type JournalReserve = {
  readonly kind: "reserve";
  readonly attempt: string;
  /** What is known of the exchange: members of its usage event as JSON, for a record at the worst case. */
  readonly exchange: string;
  readonly holds: JournalAmounts;
  readonly worst: { readonly costNanoUsd?: number; readonly heldNanoUsd?: number; readonly price?: string };
  /** What earlier attempts of the exchange have charged, for its record. */
  readonly charged?: JournalAmounts;
};

export type JournalRecord =
  /** New totals of leases; neither granted nor settled ever falls. */
  | { readonly kind: "grant"; readonly leases: readonly JournalLease[] }
  /** A second one for an attempt replaces the first: the attempt holds more. */
  | JournalReserve
  /** An attempt has ended: what each lease is charged, and the exchange's usage event if it is over too. */
  | {
      readonly kind: "settle";
      readonly attempt: string;
      readonly charges: JournalAmounts;
      readonly event?: JournalEvent;
    }
  /** A usage event that the spool has not on disk yet. */
  | { readonly kind: "event"; readonly seq: number; readonly members: string; readonly instance?: string }
  /** Usage events up to this number are on the spool's disk. */
  | { readonly kind: "spooled"; readonly seq: number; readonly instance?: string }
  /** The spool has folded events that it had not on disk: from this number on there are these instead. */
  | { readonly kind: "folded"; readonly fromSeq: number; readonly events: readonly JournalEvent[] }
  /** New totals of what was given back. */
  | { readonly kind: "return"; readonly returned: JournalAmounts }
  /** Leases that are over: nothing of them will be told or spent any more. */
  | { readonly kind: "forget"; readonly leases: readonly string[] }
  /** The end of a planned stop: nothing is missing before it. */
  | { readonly kind: "close" };

/** Ends the state that a segment begins with: what older segments say is in it. */
export type JournalBase = { readonly kind: "base"; readonly lastEventSeq: number };
