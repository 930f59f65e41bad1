/**
 * What calls cost, in groups, beside the time of the same length before. Sums are whole nano-dollars until they are text; a call
 * without a value of a dimension is in a group of its own, so the rows add up to the ledger.
 */

import type { SpendReport } from "@sluice/api";
import { nanoUsdToDecimal } from "@sluice/metering";
import { rfc3339 } from "../store/pending-status.ts";
import type { ReportStore, SpendGroup } from "../store/report-store.ts";

export type SpendQuestion = { readonly by: readonly string[]; readonly sinceMs: number; readonly untilMs: number };

export async function spendReport(store: Pick<ReportStore, "spend">, question: SpendQuestion): Promise<SpendReport> {
  const { by, sinceMs, untilMs } = question;
  const previousSinceMs = sinceMs - (untilMs - sinceMs);
  const [now, before] = await Promise.all([
    store.spend({ by, sinceMs, untilMs }),
    store.spend({ by, sinceMs: previousSinceMs, untilMs: sinceMs }),
  ]);
  const previous = new Map(before.map((group) => [keyOf(group), group.costNanoUsd]));
  const known = new Set(now.map(keyOf));
  // Who spent before and not now is a row too: the column adds up as the others do.
  const gone = before.filter((group) => !known.has(keyOf(group))).map(({ values }) => ({ ...nothing, values }));
  const groups = [...now, ...gone].sort(dearestFirst);
  const total = groups.reduce(plus, { ...nothing, values: [] });
  const totalBefore = before.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n);
  return {
    ...{ since: rfc3339(sinceMs), until: rfc3339(untilMs), previousSince: rfc3339(previousSinceMs), by: [...by] },
    rows: groups.map((group) => ({
      group: Object.fromEntries(by.map((dimension, at) => [dimension, group.values[at] ?? null])),
      ...sumsOf(group, previous.get(keyOf(group)) ?? 0n),
      share: shareOf(group.costNanoUsd, total.costNanoUsd),
    })),
    total: sumsOf(total, totalBefore),
  };
}

const nothing: SpendGroup = {
  ...{ values: [], calls: 0n, inputTokens: 0n, outputTokens: 0n, costNanoUsd: 0n, heldNanoUsd: 0n },
  ...{ unpricedCalls: 0n, estimatedCalls: 0n },
};

function plus(sum: SpendGroup, group: SpendGroup): SpendGroup {
  return {
    values: sum.values,
    calls: sum.calls + group.calls,
    inputTokens: sum.inputTokens + group.inputTokens,
    outputTokens: sum.outputTokens + group.outputTokens,
    costNanoUsd: sum.costNanoUsd + group.costNanoUsd,
    heldNanoUsd: sum.heldNanoUsd + group.heldNanoUsd,
    unpricedCalls: sum.unpricedCalls + group.unpricedCalls,
    estimatedCalls: sum.estimatedCalls + group.estimatedCalls,
  };
}

function sumsOf(group: SpendGroup, previousNanoUsd: bigint): SpendReport["total"] {
  const { calls, inputTokens, outputTokens, costNanoUsd, heldNanoUsd, unpricedCalls, estimatedCalls } = group;
  return {
    calls: String(calls),
    tokens: { input: String(inputTokens), output: String(outputTokens), total: String(inputTokens + outputTokens) },
    costUsd: nanoUsdToDecimal(costNanoUsd),
    heldUsd: nanoUsdToDecimal(heldNanoUsd),
    unpricedCalls: String(unpricedCalls),
    estimatedCalls: String(estimatedCalls),
    previousCostUsd: nanoUsdToDecimal(previousNanoUsd),
  };
}

/** Percent with two decimals, to the nearest. A correction may leave a group below nothing, and others above the total. */
function shareOf(part: bigint, whole: bigint): number {
  if (whole <= 0n || part <= 0n) return 0;
  return Math.min(Number((part * 100_000n + whole * 5n) / (whole * 10n)) / 100, 100);
}

function dearestFirst(a: SpendGroup, b: SpendGroup): number {
  if (a.costNanoUsd !== b.costNanoUsd) return a.costNanoUsd > b.costNanoUsd ? -1 : 1;
  const [left, right] = [keyOf(a), keyOf(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Null and the text "null" are two groups. */
function keyOf({ values }: Pick<SpendGroup, "values">): string {
  return JSON.stringify(values);
}
