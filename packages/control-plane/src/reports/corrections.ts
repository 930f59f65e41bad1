/**
 * Reprice and settle: reads the records that are meant page by page, writes a correction beside each that was wrong, and moves
 * the balances of the accounts whose window is still open. Nothing recorded is ever changed.
 */

import type { CorrectionAnswer, RepriceRequest, SettleRequest } from "@sluice/api";
import type { LimitPlan, Snapshot } from "@sluice/contract";
import { readAccountId } from "@sluice/contract";
import { decimalToNanoUsd, nanoUsdToDecimal } from "@sluice/metering";
import type { CorrectedUsageQuery, ReportStore } from "../store/report-store.ts";
import type { Store } from "../store/store.ts";
import { accountDelta, type CorrectedUsage, type Correction, holding, nextCorrectionId } from "./correction.ts";
import { priceOf, reprice } from "./reprice.ts";

export type CorrectionPorts = {
  readonly store: Pick<ReportStore, "listCorrectedUsage" | "recordCorrections"> & Pick<Store, "latestRevision">;
  readonly nowMs: () => number;
};

/** Why an act was not done, in words for the person who asked. */
export class CorrectionRefused extends Error {
  override readonly name = "CorrectionRefused";
}

const pageMax = 500;

type Change = Pick<Correction, "kind" | "deltaCostNanoUsd" | "deltaHeldNanoUsd" | "price">;
type Judgement = Change | "skipped" | "same";

export async function repriceUsage(
  ports: CorrectionPorts,
  asked: RepriceRequest,
  by: string,
): Promise<CorrectionAnswer> {
  const revision = await ports.store.latestRevision();
  if (revision === undefined) throw new CorrectionRefused("Nothing is published yet, so there are no prices of now");
  const { snapshot } = revision;
  const query = { ...periodOf(ports, asked), ...(asked.provider && { provider: asked.provider }) };
  const judge = (usage: CorrectedUsage): Judgement | undefined => {
    // Without an upstream call nothing was ever billed.
    if (!isOfModel(usage, asked.model) || usage.event.attempts === 0) return undefined;
    const repriced = reprice(usage, priceOf(usage, snapshot));
    return repriced.kind === "changed" ? { ...repriced, kind: "Reprice", deltaHeldNanoUsd: 0n } : repriced.kind;
  };
  return correct(ports, { query, judge, snapshot, by, reason: asked.reason, dryRun: asked.dryRun });
}

export async function settleUsage(ports: CorrectionPorts, asked: SettleRequest, by: string): Promise<CorrectionAnswer> {
  const billed = asked.costUsd === undefined ? undefined : billedNanoUsd(asked.costUsd);
  const query =
    asked.requestId === undefined
      ? periodOf(ports, { ...asked, since: asked.since ?? "" })
      : { requestId: asked.requestId };
  const judge = (usage: CorrectedUsage): Judgement | undefined => {
    const { costNanoUsd = 0n, heldNanoUsd } = holding(usage);
    const deltaCostNanoUsd = billed === undefined ? 0n : billed - costNanoUsd;
    if (heldNanoUsd === 0n && deltaCostNanoUsd === 0n) return asked.requestId === undefined ? undefined : "same";
    return { kind: "Settle", deltaCostNanoUsd, deltaHeldNanoUsd: -heldNanoUsd, price: null };
  };
  const revision = await ports.store.latestRevision();
  const head = { by, reason: asked.reason, dryRun: asked.dryRun, snapshot: revision?.snapshot };
  const answer = await correct(ports, { query, judge, ...head });
  if (asked.requestId !== undefined && answer.records === 0)
    throw new CorrectionRefused(`There is no record of the request ${asked.requestId}`);
  return answer;
}

type Work = {
  readonly query: Omit<CorrectedUsageQuery, "limit" | "cursor">;
  /** Undefined: the record is not meant. */
  readonly judge: (usage: CorrectedUsage) => Judgement | undefined;
  readonly snapshot: Snapshot | undefined;
  readonly by: string;
  readonly reason: string;
  readonly dryRun: boolean;
};

async function correct({ store, nowMs }: CorrectionPorts, work: Work): Promise<CorrectionAnswer> {
  const { query, judge, by, reason, dryRun } = work;
  const atMs = Math.trunc(nowMs());
  const usdRules = new Set((work.snapshot?.limits ?? []).flatMap(usdRulesOf));
  const tally = { records: 0, corrected: 0, skipped: 0, deltaCost: 0n, deltaHeld: 0n };
  const moved = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await store.listCorrectedUsage({ ...query, limit: pageMax, ...(cursor && { cursor }) });
    const made = new Map<string, { correction: Correction; usage: CorrectedUsage }>();
    for (const usage of page.items) {
      const judged = judge(usage);
      if (judged === undefined) continue;
      tally.records++;
      if (judged === "skipped") tally.skipped++;
      if (typeof judged === "string") continue;
      const { instance, seq } = usage.event;
      const correction = { id: nextCorrectionId(usage), instance, seq, ...judged, by, reason, atMs };
      made.set(correction.id, { correction, usage });
    }
    const deltasOf = (ids: readonly string[]) => {
      const deltas = new Map<string, bigint>();
      for (const id of ids) {
        const one = made.get(id);
        if (one !== undefined) addDeltas(deltas, one, usdRules);
      }
      return deltas;
    };
    // What somebody else corrected at this moment is theirs, and they move its accounts.
    const corrections = [...made.values()].map(({ correction }) => correction);
    const done = dryRun
      ? { kept: [...made.keys()], moved: [...deltasOf([...made.keys()]).keys()] }
      : await store.recordCorrections(corrections, deltasOf);
    for (const id of done.kept) {
      const one = made.get(id);
      if (one === undefined) continue;
      tally.corrected++;
      tally.deltaCost += one.correction.deltaCostNanoUsd;
      tally.deltaHeld += one.correction.deltaHeldNanoUsd;
    }
    for (const id of done.moved) moved.add(id);
    ({ cursor } = page);
  } while (cursor !== undefined);
  return {
    ...{ dryRun, records: tally.records, corrected: tally.corrected, skipped: tally.skipped },
    deltaCostUsd: nanoUsdToDecimal(tally.deltaCost),
    deltaHeldUsd: nanoUsdToDecimal(tally.deltaHeld),
    accounts: moved.size,
  };
}

/** Accounts of tokens and requests have nothing to do with prices. */
function addDeltas(
  deltas: Map<string, bigint>,
  { correction, usage }: { correction: Correction; usage: CorrectedUsage },
  usdRules: ReadonlySet<string>,
): void {
  for (const [id, charged] of usage.event.charges ?? []) {
    const family = readAccountId(id)?.family;
    if (family === undefined || !usdRules.has(`${family.limit}/${family.rule}`)) continue;
    const delta = accountDelta(BigInt(charged), usage, correction);
    if (delta !== 0n) deltas.set(id, (deltas.get(id) ?? 0n) + delta);
  }
}

function usdRulesOf({ uid, rules }: LimitPlan): string[] {
  return rules.filter(({ unit }) => unit === "nanoUsd").map(({ name }) => `${uid}/${name}`);
}

function isOfModel({ event }: CorrectedUsage, pattern: string | undefined): boolean {
  const model = event.upstreamModel ?? event.model;
  if (pattern === undefined) return true;
  return pattern.endsWith("*") ? model?.startsWith(pattern.slice(0, -1)) === true : model === pattern;
}

function periodOf({ nowMs }: CorrectionPorts, { since, until }: { since: string; until?: string | undefined }) {
  const untilMs = until === undefined ? Math.trunc(nowMs()) + 1 : Date.parse(until);
  return { sinceMs: Date.parse(since), untilMs };
}

function billedNanoUsd(text: string): bigint {
  const billed = decimalToNanoUsd(text);
  if (typeof billed === "bigint") return billed;
  throw new CorrectionRefused(`costUsd ${billed.problem}`);
}
