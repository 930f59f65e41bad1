/**
 * Lease: what a data plane and the record say to each other about amounts. A session (one holder of leases, which may outlive
 * its process by its journal) sends a request when something changed or it needs more; the record answers. Both carry absolute
 * totals per lease, each written by one side only and never falling, so that a message that is lost, repeated or late does no harm.
 *
 *   granted    written by the record alone
 *   returned   written by the holder alone (share leases of a dead session: by the record)
 *   settled    written by the holder alone: true cost of what has ended
 *   reserved   the holder's, of this moment: for status, and for telling shortage from exhaustion
 *
 * One request of a session is under way at a time. Until it is answered, the very same one is sent again: a second text under
 * one (incarnation, sequence) proves a second spender, and fences both.
 */

import { z } from "zod";

/** A lease never exceeds 2^52, so that sums of a holder stay exact in a number. */
export const leaseAmountMax = 2 ** 52;

const total = z.int().min(0).max(leaseAmountMax);

const family = z.strictObject({ limit: z.string(), rule: z.string(), values: z.array(z.string()) });

/** What a holder tells of one lease. */
export const leaseTotals = z.strictObject({
  family,
  /** Start of the window, Unix milliseconds; 0: none of its own. */
  window: z.int().min(0),
  granted: total,
  returned: total,
  /** May exceed `granted - returned`: an overrun, or the books of a limit that refuses nothing. */
  settled: total,
  reserved: total,
});
export type LeaseTotals = z.infer<typeof leaseTotals>;

/** A wish: totals of `granted - returned` in the family's window. The record gives at least `need` or, when short, nothing new. */
export const leaseAsk = z.strictObject({
  family,
  /** `Next`: of the window after the current one, asked for shortly before it begins. */
  at: z.enum(["Current", "Next"]),
  /** Beyond what is settled and reserved: what a waiting call takes. 0: nobody waits. */
  need: total,
  /** At least `need`: what the coming minute is expected to take. */
  want: total,
});
export type LeaseAsk = z.infer<typeof leaseAsk>;

export const leaseRequest = z.strictObject({
  /** 128 random bits, hexadecimal. */
  session: z.string(),
  /** 1, and one more for each successor that goes on from a complete journal. */
  incarnation: z.int().min(1),
  /** 1, 2, 3 … within an incarnation. */
  sequence: z.int().min(1),
  /** Known to the session and the record alone. */
  secret: z.string(),
  /** As the record last told it; empty: not yet. */
  epoch: z.string(),
  /** The pod, for people. */
  instanceName: z.string(),
  /** Random, of one process: two that go on from one journal never speak the same text. */
  process: z.string().optional(),
  /** Leases that changed since the last answered request; all of them when `whole`. */
  leases: z.array(leaseTotals),
  asks: z.array(leaseAsk),
  /** Told after a new epoch, so that the record can adopt what it has forgotten. */
  whole: z.boolean(),
  /** The session's last word: what is not settled is returned. */
  closing: z.boolean(),
});
export type LeaseRequest = z.infer<typeof leaseRequest>;

export const shortages = ["Exhausted", "Reserved"] as const;
/** `Exhausted`: settled + written off + need > the limit. `Reserved`: it fits once calls in flight have settled. */
export type Shortage = (typeof shortages)[number];

/** What the record tells of one lease, and of the account that it is from. */
export const leaseGrant = z.strictObject({
  family,
  /** The family that was asked for, where the account is that of `(other)` values. */
  asked: family.optional(),
  window: z.int().min(0),
  granted: total,
  returned: total,
  /** Milliseconds until the window begins (0: it has) and ends; null: never. Durations, as clocks differ. */
  beginsInMs: z.int().min(0),
  endsInMs: z.int().min(0).nullable(),
  /** The account's limit, what is settled of it or written off, and what is still free to grant; as decimal text. */
  amount: z.string(),
  spent: z.string(),
  free: z.string(),
  /** Why an ask of this request was not granted. */
  shortage: z.enum(shortages).optional(),
});
export type LeaseGrant = z.infer<typeof leaseGrant>;

export const leaseReply = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("answered"),
    incarnation: z.int(),
    sequence: z.int(),
    epoch: z.string(),
    /** How long share leases (rates, slots) hold without a further answer, from the moment the request was sent. */
    shareLifeMs: z.int().min(1),
    /** No grants for this long: the record is hearing its sessions again after it lost its memory. */
    holdMs: z.int().min(0),
    leases: z.array(leaseGrant),
    /** Families whose accounts others are short of: what lies idle is to be returned at once. */
    recalls: z.array(family),
  }),
  /** The record's memory is another one: tell everything (`whole`), under this epoch. */
  z.strictObject({ kind: z.literal("epoch"), incarnation: z.int(), sequence: z.int(), epoch: z.string() }),
  /** Somebody else speaks with this session's name: it is over, for both. */
  z.strictObject({ kind: z.literal("fenced"), incarnation: z.int(), sequence: z.int() }),
  /** An older request than the latest one. Where it is the answer to the latest, somebody else has spoken for this session. */
  z.strictObject({ kind: z.literal("stale"), incarnation: z.int(), sequence: z.int() }),
]);
export type LeaseReply = z.infer<typeof leaseReply>;

/** On the signal `recalls`: the same as `recalls` of a reply, at once and for every pod. */
export const leaseRecall = z.strictObject({ families: z.array(family) });
export type LeaseRecall = z.infer<typeof leaseRecall>;
