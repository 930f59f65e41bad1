/**
 * LimitPlan: a Budget or RateLimit as both planes know it. The data planes find the limits of a call by it; the record finds
 * amount and window of an account by it.
 *
 *   limit ─▶ rule (a unit, an amount, a window) ─▶ account (values of `per` × one window)
 */

import { z } from "zod";

export const limitUnits = ["nanoUsd", "tokens", "requests", "slots"] as const;
export type LimitUnit = (typeof limitUnits)[number];

export const calendarUnits = ["Hour", "Day", "Week", "Month", "Quarter", "Year"] as const;
export type CalendarUnit = (typeof calendarUnits)[number];

/**
 * `calendar`: by the clock of a time zone; weeks begin on Monday, years with `startMonth`.
 * `rolling`: what was spent counts for this long. `tumbling`: windows of this length, counted from 1970.
 * `lifetime`: never turns. `share`: pods hold shares of a short rate, or of slots (`ms` absent), and count locally.
 */
export const limitWindow = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("calendar"),
    unit: z.enum(calendarUnits),
    /** IANA name. */
    timezone: z.string(),
    /** 1 to 12: the month that a year, and so its quarters, begin with. */
    startMonth: z.int().min(1).max(12),
  }),
  z.strictObject({ kind: z.literal("rolling"), ms: z.int().min(1) }),
  z.strictObject({ kind: z.literal("tumbling"), ms: z.int().min(1) }),
  z.strictObject({ kind: z.literal("lifetime") }),
  z.strictObject({ kind: z.literal("share"), ms: z.int().min(1).optional() }),
]);
export type LimitWindow = z.infer<typeof limitWindow>;

/** An integer of 0 or more as decimal text: nano-USD pass 2^53. */
const amount = z.string().regex(/^(0|[1-9][0-9]{0,18})$/);

export const limitRule = z.strictObject({
  /** Of its limit, and part of every account's name: `usd`, `tokens`, `requests-60s`, `concurrent`. */
  name: z.string(),
  unit: z.enum(limitUnits),
  amount,
  window: limitWindow,
});
export type LimitRule = z.infer<typeof limitRule>;

/** What splits a limit into accounts: `Team`, `Service`, `User`, `Key`, `Model`, `Provider`, `Route` or `Metadata/<name>`. */
const dimension = z.string();

export const limitSelector = z.strictObject({
  teams: z.array(z.string()).optional(),
  services: z.array(z.string()).optional(),
  users: z.array(z.string()).optional(),
  /** `namespace/name`; so are providers and routes. */
  keys: z.array(z.string()).optional(),
  /** Names that callers ask for, or prefixes with a star. */
  models: z.array(z.string()).optional(),
  providers: z.array(z.string()).optional(),
  routes: z.array(z.string()).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
export type LimitSelector = z.infer<typeof limitSelector>;

export const limitPlan = z.strictObject({
  uid: z.string(),
  kind: z.enum(["Budget", "RateLimit"]),
  /** `namespace/name`. */
  id: z.string(),
  /** Only this namespace's keys; absent: every caller's. */
  namespace: z.string().optional(),
  selector: limitSelector,
  per: z.array(dimension),
  rules: z.array(limitRule).min(1),
  /** Other amounts for some values of `per`, in the order of `per`; by rule name. */
  overrides: z.array(z.strictObject({ values: z.array(z.string()), amounts: z.record(z.string(), amount) })),
  mode: z.enum(["Enforce", "Warn", "Shadow"]),
  whenShort: z.enum(["Reject", "Clamp"]),
  /** How long a call waits for calls in flight to give back what they do not need. */
  maxWaitMs: z.int().min(0),
  /** When the record can't be reached and the leases are spent. */
  whenUnavailable: z.enum(["Allow", "Refuse"]),
  /** Accounts a rule and window; further values share the account `(other)`. */
  accountsMax: z.int().min(1),
});
export type LimitPlan = z.infer<typeof limitPlan>;

/** The value of `per` that a call has none for, and the account of all values past `accountsMax`. */
export const noValue = "(none)";
export const otherValues = "(other)";

/** One rule of one limit for some values of its `per`; with a window it is an account. */
export type Family = { readonly limit: string; readonly rule: string; readonly values: readonly string[] };

/** `<limit uid>/<rule>/<value>/…`, each part percent-encoded. */
export function familyKey({ limit, rule, values }: Family): string {
  let key = `${encodeURIComponent(limit)}/${encodeURIComponent(rule)}`;
  for (const value of values) key += `/${encodeURIComponent(value)}`;
  return key;
}

/** `<start of the window, Unix ms>@<family key>`; 0: the account has no window of its own (lifetime, rolling, share). */
export function accountId(family: Family, window: number): string {
  return `${window}@${familyKey(family)}`;
}

/** The parts of an `accountId`; undefined when the text is none. */
export function readAccountId(id: string): { readonly family: Family; readonly window: number } | undefined {
  const at = id.indexOf("@");
  const window = Number(id.slice(0, at));
  const [limit, rule, ...values] = id
    .slice(at + 1)
    .split("/")
    .map(decoded);
  if (at < 1 || !Number.isSafeInteger(window) || limit === undefined || rule === undefined) return undefined;
  if (values.includes(undefined)) return undefined;
  return { family: { limit, rule, values: values as string[] }, window };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
