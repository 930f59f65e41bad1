/**
 * Fewer usage events for the same sums, for when the disk has no room for each: tokens, costs, held parts and charges are added up,
 * and what differs within a sum is left out of it. Attribution is kept as long as that saves enough.
 */

import type { TokenCounts, UsageEvent } from "@sluice/contract";

type Members = Omit<UsageEvent, "instance" | "seq">;

/** Events of different hours stay apart, so that reports over a time remain right to the hour. */
const spanMs = 3_600_000;
const attemptsMax = 2 ** 31 - 1;

const attribution = [
  ...["gateway", "key", "namespace", "team", "service", "user", "model", "route", "target", "provider"],
  ...["upstreamModel", "code", "status", "stream", "serviceTier", "billingReason", "estimated", "price"],
] as const;
const claims = ["claimedUser", "run", "metadata"] as const;
/** What is told of one exchange only. */
const single = ["upstreamRequestId", "firstByteMs"] as const;

/** With what callers claim kept apart, a sum is to stand for so many events at least; their own names may be one a call. */
const eventsPerSum = 4;
/** Beyond so many sums their attribution goes too. */
const sumsMax = 4_096;

/** Members as JSON in and out, as `settle` writes them. */
export function foldEvents(events: readonly string[]): string[] {
  const parsed: Members[] = [];
  const unread: string[] = [];
  for (const members of events) {
    const event = parse(members);
    if (event === undefined) unread.push(members);
    else parsed.push(event);
  }
  return [...unread, ...sumsOf(parsed).map((sum) => JSON.stringify(sum).slice(1, -1))];
}

function parse(members: string): Members | undefined {
  try {
    return JSON.parse(`{${members}}`);
  } catch {
    return undefined; // the ledger sets it aside and says why
  }
}

function sumsOf(events: readonly Members[]): readonly Members[] {
  const claimed = sumUp(events, (event) => [...attributionOf(event), ...claims.map((name) => event[name])]);
  if (claimed.length <= events.length / eventsPerSum) return claimed;
  const attributed = sumUp(events, attributionOf);
  return attributed.length <= sumsMax ? attributed : sumUp(events, kindOf);
}

/** What is kept apart in any case. */
function kindOf({ outcome, protocol, operation, price, costNanoUsd }: Members): unknown[] {
  return [outcome, protocol, operation, price, costNanoUsd === undefined];
}

function attributionOf(event: Members): unknown[] {
  const { outcome, protocol, operation, charges = [] } = event;
  return [
    ...[Math.floor(event.startedAtMs / spanMs), outcome, protocol, operation, event.costNanoUsd === undefined],
    ...attribution.map((name) => event[name]),
    charges.map(([account]) => account),
  ];
}

function sumUp(events: readonly Members[], grain: (event: Members) => unknown[]): Members[] {
  const sums: Members[] = [];
  /** By group: where its sum is. */
  const places = new Map<string, number>();
  for (const event of events) {
    const group = JSON.stringify(grain(event));
    const place = places.get(group);
    const sum = place === undefined ? undefined : sums[place];
    const both = sum === undefined ? undefined : added(sum, event);
    if (place === undefined || both === undefined) {
      places.set(group, sums.length);
      sums.push(event);
    } else {
      sums[place] = both;
    }
  }
  return sums;
}

/** Undefined when a sum would not be exact. */
function added(a: Members, b: Members): Members | undefined {
  const startedAtMs = Math.min(a.startedAtMs, b.startedAtMs);
  const endedAtMs = Math.max(a.startedAtMs + a.durationMs, b.startedAtMs + b.durationMs);
  const costNanoUsd = plus(a.costNanoUsd, b.costNanoUsd);
  const heldNanoUsd = plus(a.heldNanoUsd, b.heldNanoUsd);
  const tokens = addedTokens(a.tokens, b.tokens);
  const charges = addedCharges(a.charges, b.charges);
  const sum: Members = {
    ...common(a, b),
    startedAtMs,
    // Together they span this long.
    durationMs: Math.round((endedAtMs - startedAtMs) * 1000) / 1000,
    attempts: a.attempts + b.attempts,
    ...(tokens === undefined ? {} : { tokens }),
    requestBytes: a.requestBytes + b.requestBytes,
    responseBytes: a.responseBytes + b.responseBytes,
    ...(costNanoUsd === undefined ? {} : { costNanoUsd }),
    ...(heldNanoUsd === undefined ? {} : { heldNanoUsd }),
    ...(a.estimated === true || b.estimated === true ? { estimated: true } : {}),
    ...(charges === undefined ? {} : { charges }),
    folded: (a.folded ?? 1) + (b.folded ?? 1),
  };
  const amounts = [costNanoUsd, heldNanoUsd, sum.requestBytes, sum.responseBytes, ...Object.values(tokens ?? {})];
  const exact = [...amounts, ...(charges ?? []).map(([, amount]) => amount)].every(
    (amount) => amount === undefined || Number.isSafeInteger(amount),
  );
  return exact && Math.max(sum.attempts, sum.folded ?? 0) <= attemptsMax ? sum : undefined;
}

/** The first one's, without what the other has not or has otherwise. */
function common(a: Members, b: Members): Members {
  const kept: Record<string, unknown> = { ...a };
  for (const name of [...attribution, ...claims]) {
    // Required members stay the first one's.
    if (name !== "status" && name !== "stream" && !equal(a[name], b[name])) delete kept[name];
  }
  for (const name of single) delete kept[name];
  return kept as Members;
}

function equal(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function plus(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);
}

function addedTokens(a: TokenCounts | undefined, b: TokenCounts | undefined): TokenCounts | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const sum: Record<string, number> = { ...a };
  for (const [kind, count] of Object.entries(b)) sum[kind] = (sum[kind] ?? 0) + count;
  return sum as TokenCounts;
}

function addedCharges(a: UsageEvent["charges"], b: UsageEvent["charges"]): UsageEvent["charges"] {
  if (a === undefined || b === undefined) return a ?? b;
  const sums = new Map(a);
  for (const [account, amount] of b) sums.set(account, (sums.get(account) ?? 0) + amount);
  return [...sums];
}
