/**
 * What silence does. Writing off changes no sum: what a dead session has left counts as spent, so its holder need not be dead.
 * Only what its holder has provably stopped to spend comes back: shares after their life, and leases of rolling windows.
 */

import { readAccountId } from "@sluice/contract";
import { sessionOf, withLease, withoutUnsettled } from "./account.ts";
import { type Limits, type RecordChanges, ruleOf } from "./draft.ts";
import type { AccountState, LeaseState, SessionState } from "./record-state.ts";
import { sessionLifeMs, shareLifeMs } from "./record-times.ts";

export type Silent = {
  /** Candidates: of any state, for closed ones may have left a rate in use. Those who are not silent are left alone. */
  readonly sessions: Iterable<SessionState>;
  /** All accounts that hold leases of theirs. */
  readonly accounts: Iterable<AccountState>;
  readonly limits: Limits;
  readonly nowMs: number;
  /** Since when the record could hear: its start, a fail-over, the end of an outage of the bus. */
  readonly hearingSinceMs: number;
};

/** Changed sessions are among the changes even when only an account changes: whoever speaks meanwhile wins. */
export function closeSilent({ sessions, accounts, limits, nowMs, hearingSinceMs }: Silent): RecordChanges {
  const silences = new Map<string, { session: SessionState; silentMs: number }>();
  for (const session of sessions) {
    const silentMs = nowMs - Math.max(session.heardAtMs, hearingSinceMs);
    if (silentMs >= shareLifeMs) silences.set(session.session, { session, silentMs });
  }

  const touched = new Map<string, SessionState>();
  const changed: AccountState[] = [];
  for (const before of accounts) {
    let after = before;
    for (const [holder, lease] of before.leases) {
      const silence = silences.get(sessionOf(holder));
      if (silence === undefined) continue;
      const next = afterSilence(lease, { ...silence, account: before, limits });
      if (next === lease) continue;
      after = withLease(after, holder, next);
      touched.set(silence.session.session, silence.session);
    }
    if (after !== before) changed.push(after);
  }
  for (const [holder, { session, silentMs }] of silences)
    if (session.state === "Open" && silentMs >= sessionLifeMs) touched.set(holder, { ...session, state: "Dead" });
  return { sessions: [...touched.values()], windows: [], accounts: changed };
}

type Silence = {
  readonly session: SessionState;
  readonly silentMs: number;
  readonly account: AccountState;
  readonly limits: Limits;
};

function afterSilence(lease: LeaseState, { session, silentMs, account, limits }: Silence): LeaseState {
  const family = readAccountId(account.id)?.family;
  const window = family && ruleOf(limits, family)?.rule.window;
  const isOver = session.state === "Fenced" || silentMs >= sessionLifeMs;
  const written: LeaseState = isOver && lease.state === "Open" ? { ...lease, state: "WrittenOff" } : lease;
  if (lease.granted - lease.returned <= lease.settled) return written;
  // Its last word named all that it knew of; of what it did not, nothing was spent.
  const isRate = window?.kind === "share" && window.ms !== undefined;
  if (session.state === "Closed" && !isRate) return withoutUnsettled(written);
  // A rate's last uses count for one length more.
  if (window?.kind === "share") return silentMs >= shareLifeMs + (window.ms ?? 0) ? withoutUnsettled(written) : written;
  // It spends a lease for one length of the window after it last asked; what it spent counts for one more.
  const isPast = window?.kind === "rolling" && isOver && silentMs >= 2 * window.ms;
  return isPast ? withoutUnsettled(written) : written;
}
