/**
 * After the record has become another one (a fail-over, a restore), some of its last grants may be forgotten. Sessions that
 * speak within `epochHoldMs` tell what they hold; for each that does not, what it had counts once more, until it speaks: as a
 * lease of its own that nobody may spend.
 */

import { noLease, unheardOf, unsettledOf, withLease } from "./account.ts";
import { noChanges, type RecordChanges } from "./draft.ts";
import type { AccountState, EpochState, LeaseState, SessionState } from "./record-state.ts";
import { epochHoldMs } from "./record-times.ts";

export type Unheard = {
  readonly epoch: EpochState;
  /** Any part of the sessions that are Open and whose `epoch` is another one; those that are not are left alone. */
  readonly sessions: Iterable<SessionState>;
  /** All accounts that hold leases of theirs. */
  readonly accounts: Iterable<AccountState>;
  readonly nowMs: number;
};

/** Each session once: it then counts as having told all under this epoch, and is asked for it when it speaks. */
export function countUnheard({ epoch, sessions, accounts, nowMs }: Unheard): RecordChanges {
  if (epoch.doubled || nowMs < epoch.sinceMs + epochHoldMs) return noChanges;
  const unheard = new Map<string, SessionState>();
  for (const session of sessions)
    if (session.state === "Open" && session.epoch !== epoch.epoch)
      unheard.set(session.session, { ...session, epoch: epoch.epoch });

  const changed: AccountState[] = [];
  for (const before of accounts) {
    let after = before;
    for (const [holder, lease] of before.leases)
      if (unheard.has(holder))
        after = withLease(after, unheardOf(holder), counted(lease, before.leases.get(unheardOf(holder))));
    if (after !== before) changed.push(after);
  }
  return { sessions: [...unheard.values()], windows: [], accounts: changed };
}

/** When no session is left for `countUnheard`: from now on the record grants again. */
export function endHold(epoch: EpochState, nowMs: number): EpochState {
  return nowMs < epoch.sinceMs + epochHoldMs ? epoch : { ...epoch, doubled: true };
}

function counted(lease: LeaseState, before: LeaseState = noLease): LeaseState {
  const more = before.returned + unsettledOf(lease) - before.granted;
  return { ...before, granted: before.granted + (more > 0n ? more : 0n), state: "WrittenOff" };
}
