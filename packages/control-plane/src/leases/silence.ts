/**
 * What is done about sessions that are silent: written off after their life, and counted twice when the record's memory has
 * become another one and they did not speak in time. Session by session, so that one with many accounts delays no other.
 */

import {
  type AccountState,
  closeSilent,
  countUnheard,
  endHold,
  epochHoldMs,
  type Limits,
  type RecordChanges,
  ruleKey,
  type SessionState,
  sessionLifeMs,
  shareLifeMs,
} from "@sluice/limits";
import type { LeaseStore } from "../store/lease-store.ts";
import { type EpochPorts, type RecordRead, readRecord } from "./record-epoch.ts";

export type SilencePorts = EpochPorts & {
  readonly store: EpochPorts["store"] & Pick<LeaseStore, "silentSessions" | "unheardSessions" | "accountsOfSessions">;
};

/** Sessions at one look. */
const sessionsMax = 200;
/** Accounts in one write. */
const accountsMax = 500;
/** Rolling windows: a dead holder spends for one length of the window, and what it spent counts for one more. */
const rollingLives = 2;

/** Answers how many sessions were looked at. What somebody else has written meanwhile is seen at the next look. */
export async function writeOffSilent(
  ports: SilencePorts,
  { limits, hearingSinceMs }: { limits: Limits; hearingSinceMs: number },
): Promise<number> {
  const nowMs = Math.trunc(ports.nowMs());
  const read = await readRecord(ports, { windows: [], sessions: [], accounts: [] });
  const sessions = await ports.store.silentSessions({
    ...{
      nowMs,
      hearingSinceMs,
      lifeMs: sessionLifeMs,
      closedMs: shareLifeMs,
      rules: rulesThatComeBack(limits),
      limit: sessionsMax,
    },
  });
  for (let session of sessions) {
    const accounts = await ports.store.accountsOfSessions([session.session]);
    for (const some of chunks(accounts)) {
      const changes = closeSilent({ sessions: [session], accounts: some, limits, nowMs, hearingSinceMs });
      if (changes.sessions.length + changes.accounts.length === 0) continue;
      if (!(await write(ports, read, withSession(changes, session)))) break;
      session = { ...(changes.sessions[0] ?? session), version: session.version + 1 };
    }
  }
  return sessions.length;
}

/** After an epoch's beginning: answers whether everybody was heard or counted, and grants may go on. */
export async function countThoseUnheard(ports: SilencePorts): Promise<boolean> {
  const nowMs = Math.trunc(ports.nowMs());
  const read = await readRecord(ports, { windows: [], sessions: [], accounts: [] });
  const { epoch } = read;
  if (epoch.doubled) return true;
  if (nowMs < epoch.sinceMs + epochHoldMs) return false;
  const unheard = await ports.store.unheardSessions(epoch.epoch, sessionsMax);
  for (const session of unheard) {
    const accounts = await ports.store.accountsOfSessions([session.session]);
    const changes = countUnheard({ epoch, sessions: [session], accounts, nowMs });
    await write(ports, read, withSession(changes, session));
  }
  if (unheard.length > 0) return false;
  return write(ports, read, { epoch: endHold(epoch, nowMs), sessions: [], windows: [], accounts: [] });
}

/** Whoever speaks meanwhile wins: their session's row is another one then. */
function withSession(changes: RecordChanges, session: SessionState): RecordChanges {
  return changes.sessions.length > 0 ? changes : { ...changes, sessions: [session] };
}

function write(ports: SilencePorts, { memory, epoch }: RecordRead, changes: RecordChanges): Promise<boolean> {
  return ports.store.writeLeases(changes, { memory, epochVersion: epoch.version });
}

function rulesThatComeBack(limits: Limits): { rule: string; silentMs: number }[] {
  const rules: { rule: string; silentMs: number }[] = [];
  for (const { uid, rules: own } of limits.values())
    for (const { name, window } of own) {
      const rule = ruleKey(uid, name);
      if (window.kind === "share") rules.push({ rule, silentMs: shareLifeMs + (window.ms ?? 0) });
      if (window.kind === "rolling") rules.push({ rule, silentMs: Math.max(rollingLives * window.ms, sessionLifeMs) });
    }
  return rules;
}

/** At least one, even if empty: a session without leases dies too. */
function chunks(accounts: readonly AccountState[]): AccountState[][] {
  const all: AccountState[][] = [];
  for (let from = 0; from === 0 || from < accounts.length; from += accountsMax)
    all.push(accounts.slice(from, from + accountsMax));
  return all;
}
