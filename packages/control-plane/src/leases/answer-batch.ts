/**
 * Answers some lease requests at once: reads the rows that they touch, lets `answer` decide, and writes its changes if nobody
 * else has changed those rows meanwhile; else all again, with what is there then. Nothing is told before it is written.
 */

import { createHash } from "node:crypto";
import { type Family, type LeaseReply, type LeaseRequest, readAccountId } from "@sluice/contract";
import {
  type AccountState,
  type AmountOf,
  accountsOf,
  answer,
  emptyAccount,
  type Limits,
  neverMs,
  type RecordChanges,
  ruleKey,
  rulesOf,
  type WindowState,
} from "@sluice/limits";
import { beginEpoch, type EpochPorts, type RecordRead, readRecord } from "./record-epoch.ts";

export type BatchPorts = EpochPorts & {
  readonly amountOf: AmountOf;
  /** Waits so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
};

/** What an account that is opened in this window starts with, after its limit was changed in it; by rule key. */
export type Openings = ReadonlyMap<string, { readonly window: number; readonly amount: bigint }>;

export type Batch = {
  readonly requests: readonly LeaseRequest[];
  /** Of the limits; undefined: they are of none. */
  readonly revision: number | undefined;
  readonly limits: Limits;
  readonly openings: Openings;
  /** The windows as last read: a guess that spares a second reading. */
  readonly windows: Map<string, WindowState>;
};

export type Answered = {
  readonly replies: readonly LeaseReply[];
  readonly recalls: readonly Family[];
  /** As they are now in the record. */
  readonly booked: readonly AccountState[];
};

const attemptsMax = 30;
const backoffMs = 4;
const backoffMsMax = 100;

/** `outdated`: another replica has recorded a newer revision; its limits hold from then on. */
export async function answerBatch(ports: BatchPorts, batch: Batch): Promise<Answered | "outdated"> {
  const { requests, limits } = batch;
  const { store, nowMs, amountOf } = ports;
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const atMs = Math.trunc(nowMs());
    const read = await readFor(ports, batch, atMs);
    if (batch.revision !== undefined && read.revision > batch.revision) return "outdated";
    const opened = withOpenings(read, batch, atMs);
    const view = { ...read, accounts: opened.accounts };
    const { replies, changed, recalls, epochLost } = answer({ requests, limits, amountOf, view, nowMs: atMs, hash });
    if (epochLost) {
      await beginEpoch(ports, read, "a holder was told more than the record remembers");
      continue;
    }
    const changes = countOpened(changed, opened.made, read);
    if (isNothing(changes)) return { replies, recalls, booked: [] };
    const expected = { memory: read.memory, epochVersion: read.epoch.version };
    if (await store.writeLeases(changes, expected)) {
      for (const window of changes.windows) batch.windows.set(window.rule, window);
      const booked = changes.accounts.map((account) => ({ ...account, version: account.version + 1 }));
      return { replies, recalls, booked };
    }
    await ports.sleep(ports.random() * Math.min(backoffMs * attempt, backoffMsMax));
  }
  throw new Error(`Lease requests met other writers ${attemptsMax} times in a row; they will be asked again`);
}

async function readFor(ports: BatchPorts, { requests, limits, windows }: Batch, nowMs: number): Promise<RecordRead> {
  const rules = rulesOf(requests, limits);
  const sessions = [...new Set(requests.map(({ session }) => session))];
  for (;;) {
    const accounts = accountsOf(requests, { limits, windows, nowMs });
    const read = await readRecord(ports, { windows: rules, sessions, accounts });
    for (const [rule, window] of read.windows) windows.set(rule, window);
    const isRead = new Set(accounts);
    if (accountsOf(requests, { limits, windows, nowMs }).every((id) => isRead.has(id))) return read;
  }
}

/** Accounts that are not there yet, in windows in which their limit was changed. */
function withOpenings(
  { accounts, windows }: RecordRead,
  { requests, limits, openings }: Batch,
  nowMs: number,
): { accounts: ReadonlyMap<string, AccountState>; made: ReadonlySet<string> } {
  const made = new Set<string>();
  if (openings.size === 0) return { accounts, made };
  const all = new Map(accounts);
  for (const id of accountsOf(requests, { limits, windows, nowMs })) {
    const named = readAccountId(id);
    if (named === undefined || all.has(id)) continue;
    const { limit, rule } = named.family;
    const opening = openings.get(ruleKey(limit, rule));
    const window = windows.get(ruleKey(limit, rule));
    if (opening === undefined || opening.amount === 0n || opening.window !== named.window) continue;
    // Past the most accounts of a limit its value shares that of others.
    if (window === undefined || window.accounts >= (limits.get(limit)?.accountsMax ?? 0)) continue;
    const endsAtMs = window.endsAtMs === neverMs ? null : window.endsAtMs;
    all.set(id, { ...emptyAccount(id, endsAtMs), carried: opening.amount });
    made.add(id);
  }
  return { accounts: all, made };
}

/** `answer` took those accounts for known ones; they count among their window's like any other that opens. */
function countOpened(changes: RecordChanges, made: ReadonlySet<string>, { windows }: RecordRead): RecordChanges {
  const counted = new Map(changes.windows.map((window) => [window.rule, window]));
  for (const { id } of changes.accounts) {
    const family = made.has(id) ? readAccountId(id)?.family : undefined;
    if (family === undefined) continue;
    const rule = ruleKey(family.limit, family.rule);
    const window = counted.get(rule) ?? windows.get(rule);
    if (window !== undefined) counted.set(rule, { ...window, accounts: window.accounts + 1 });
  }
  return { ...changes, windows: [...counted.values()] };
}

function isNothing({ epoch, sessions, windows, accounts }: RecordChanges): boolean {
  return epoch === undefined && sessions.length + windows.length + accounts.length === 0;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
