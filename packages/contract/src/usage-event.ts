/**
 * UsageEvent: the record of one exchange, however it ended. One JSON object a line on the stream `usage`; (instance, seq)
 * names it for ever, so that an event delivered twice is recorded once.
 */

import { z } from "zod";

/** How an exchange ended. */
export const outcomes = [
  "Served", // the answer reached its end
  "Refused", // by us, before any upstream call or in its midst (a key that is revoked, a shutdown): see `code`
  "UpstreamError", // the provider answered with an error, which was passed on
  "UpstreamFailed", // no usable answer: connection, deadline, garbage, cut
  "ClientAborted", // the caller went away
  "Failed", // a fault of ours
] as const;
export type Outcome = (typeof outcomes)[number];

/** Tokens by kind, disjoint (absent: 0): a part is never counted in its total as well (`facts`: OpenAI's prompt_tokens includes cached ones). */
export const tokenCounts = z.strictObject({
  input: z.int().min(0),
  inputAudio: z.int().min(0),
  inputImage: z.int().min(0).optional(),
  cacheRead: z.int().min(0),
  cacheWrite5m: z.int().min(0),
  cacheWrite1h: z.int().min(0),
  cacheWriteOther: z.int().min(0),
  output: z.int().min(0),
  outputReasoning: z.int().min(0),
  outputAudio: z.int().min(0),
  outputImage: z.int().min(0).optional(),
  /** Calls of the vendor's own tools; not tokens. */
  webSearches: z.int().min(0).optional(),
  webFetches: z.int().min(0).optional(),
});
export type TokenCounts = z.infer<typeof tokenCounts>;

/** Why a cost is not simply the vendor's usage at our price. `docs/limits.md` tells the charge of each. */
export const billingReasons = [
  "NotBilled", // the provider was not reached, or answered with an error that vendors do not bill
  "NoUsage", // a whole answer that told no usage
  "ClientAborted", // the caller went away first
  "Cut", // the answer broke off, or its end is unknown
  "TimedOut", // a deadline of ours ended it
  "ProcessKilled", // the data plane went down with the call under way
  "UsageInconsistent", // parts that exceed their total, negative or absurd counts: bounded
  "Overrun", // the provider counted more than the bound that was reserved
  "Unpriced", // no price is known, and no USD budget covered the call
  "Repriced", // a correction of an earlier record
  "HeldReleased", // a held part was given back
] as const;
export type BillingReason = (typeof billingReasons)[number];

export const usageEvent = z.strictObject({
  /** One start of one data plane: 128 random bits, hexadecimal. */
  instance: z.string(),
  /** 1, 2, 3 … without gaps within an instance. */
  seq: z.int().min(1),
  /** The id in `x-sluice-request-id`. */
  requestId: z.string(),
  /** Unix milliseconds of the request's first byte. */
  startedAtMs: z.int(),
  /** Milliseconds from there to the end, and to the first content byte of the answer. */
  durationMs: z.number(),
  firstByteMs: z.number().optional(),
  outcome: z.enum(outcomes),
  /** The status that the caller saw; 0 when it went away before one. */
  status: z.int(),
  /** Why, where the outcome is not `Served`: `key_unknown`, `upstream_timeout` … */
  code: z.string().optional(),
  gateway: z.string().optional(),
  protocol: z.enum(["openai", "anthropic"]),
  /** `chat.completions`, `messages` … */
  operation: z.string(),
  stream: z.boolean(),
  key: z.string().optional(),
  namespace: z.string().optional(),
  team: z.string().optional(),
  service: z.string().optional(),
  /** Of the key: verified. */
  user: z.string().optional(),
  /** What the call itself says (`user`, `metadata.user_id`): a claim. */
  claimedUser: z.string().optional(),
  /** Of an agent, from `x-sluice-run`. */
  run: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  /** The name that the caller asked for. */
  model: z.string().optional(),
  route: z.string().optional(),
  target: z.string().optional(),
  provider: z.string().optional(),
  /** The name sent upstream, and the provider's own request id. */
  upstreamModel: z.string().optional(),
  upstreamRequestId: z.string().optional(),
  /** Upstream calls made. */
  attempts: z.int().min(0),
  /** Absent: the provider told none. */
  tokens: tokenCounts.optional(),
  requestBytes: z.int().min(0),
  responseBytes: z.int().min(0),
  /** As the vendor names it: `priority`, `flex` … */
  serviceTier: z.string().optional(),
  /** Best knowledge, all attempts together. Absent: unpriced. */
  costNanoUsd: z.int().min(0).optional(),
  /** What the accounts are charged beyond the cost until it is known better: their sum is the charge of a USD account. */
  heldNanoUsd: z.int().min(0).optional(),
  estimated: z.boolean().optional(),
  billingReason: z.enum(billingReasons).optional(),
  /** `version` of the PricePlan of the last attempt. */
  price: z.string().optional(),
  /** What each account was charged, in its unit, by `accountId`. */
  charges: z.array(z.tuple([z.string(), z.int().min(0)])).optional(),
  /** Exchanges that this event stands for, where the spool folded several into one. */
  folded: z.int().min(2).optional(),
});
export type UsageEvent = z.infer<typeof usageEvent>;
