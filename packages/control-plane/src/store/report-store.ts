/** ReportStore: the part of the Store that reports, corrections and acts ask. Sums are exact, whatever the grouping or page. */

import type { Act } from "../acts/act.ts";
import type { CorrectedUsage, Correction } from "../reports/correction.ts";

/** Sums of the usage records of one group, corrections included. */
export type SpendGroup = {
  /** In the order of `by`; null: the calls had none. */
  readonly values: readonly (string | null)[];
  /** Exchanges: a record that stands for several counts as several. */
  readonly calls: bigint;
  /** All that was read, cached or not; and all that was written. */
  readonly inputTokens: bigint;
  readonly outputTokens: bigint;
  readonly costNanoUsd: bigint;
  readonly heldNanoUsd: bigint;
  /** With an upstream call, and without a cost. */
  readonly unpricedCalls: bigint;
  readonly estimatedCalls: bigint;
};

export type CorrectedUsageQuery = {
  readonly limit: number;
  /** As the page before told it. */
  readonly cursor?: string;
  readonly requestId?: string;
  readonly sinceMs?: number;
  /** Exclusive. */
  readonly untilMs?: number;
  readonly key?: string;
  readonly team?: string;
  readonly service?: string;
  readonly provider?: string;
};

export type ReportStore = {
  /** `by`: `team`, `service`, `user`, `key`, `namespace`, `model`, `upstreamModel`, `provider`, `route`, `claimedUser`, `run`, `metadata/<name>`. */
  spend(question: { by: readonly string[]; sinceMs: number; untilMs: number }): Promise<SpendGroup[]>;
  /** Newest first; `cursor` undefined: this was the last page. */
  listCorrectedUsage(query: CorrectedUsageQuery): Promise<{ items: CorrectedUsage[]; cursor: string | undefined }>;
  /**
   * Keeps those whose id is new, and moves balances by what these `kept` ones make of them (by account id), all or nothing:
   * of those accounts whose window has not ended at the corrections' time. Answers the ids of both.
   */
  recordCorrections(
    corrections: readonly Correction[],
    deltasOf: (kept: readonly string[]) => ReadonlyMap<string, bigint>,
  ): Promise<{ kept: string[]; moved: string[] }>;
  /** Also those that are over, for a while; in no order. */
  listActs(): Promise<Act[]>;
  putAct(act: Act): Promise<void>;
  /** Nothing when it was undone already. */
  undoAct(id: string, undone: { by: string; reason: string; atMs: number }): Promise<void>;
};
