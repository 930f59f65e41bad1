/**
 * Mistakes that such a protocol invites, each in a world that is sound but for it. The simulation is worth what it finds of
 * them: `planted-bugs.sim.test.ts` demands all.
 */

import type { LeaseRequest, LimitWindow } from "@sluice/contract";
import { accountId } from "@sluice/contract";
import type { AccountState, LeaseState, RecordChanges, RecordView } from "../../src/index.ts";
import type { FaultName, WorldPlan } from "./draw-plan.ts";
import type { Hooks } from "./hooks.ts";

export type PlantedBug = Hooks & {
  /** Worlds that could show it: others are passed over. */
  readonly needs?: readonly (FaultName | LimitWindow["kind"] | WorldPlan["theme"])[];
};

export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  "a successor forgets the calls that were running": {
    needs: ["processCrashes"],
    journal: (snapshot) => ({ ...snapshot, leases: snapshot.leases.map((lease) => ({ ...lease, reserved: 0 })) }),
  },
  "a torn journal counts as complete": {
    needs: ["nodeCrashes"],
    trustsTornJournal: true,
  },
  "a successor starts from grants alone": {
    needs: ["processCrashes"],
    journal: (snapshot) => ({
      ...snapshot,
      leases: snapshot.leases.map((lease) => ({ ...lease, settled: 0, reserved: 0 })),
    }),
  },
  "reports are differences": { request: differences() },
  "what runs is given back": {
    request: changedLeases((lease) => ({
      ...lease,
      returned: Math.max(lease.returned, lease.granted - lease.settled),
    })),
  },
  "a rate is given back with what was just used of it": {
    needs: ["share"],
    heard: (request) =>
      changedLeases((lease) =>
        lease.window === 0 && lease.settled === 0
          ? { ...lease, returned: Math.max(lease.returned, lease.granted) }
          : lease,
      )(request),
  },
  "a pod closes while its calls run": {
    needs: ["rollouts"],
    closesEarly: true,
  },
  "a call is settled at half its cost": { settledPart: 0.5 },
  "the record forgets what it has written off": {
    view: changedAccounts((lease) =>
      lease.state === "WrittenOff" ? { ...lease, returned: lease.granted - lease.settled } : lease,
    ),
  },
  "the record forgets what was closed": {
    view: (view) => ({ ...view, accounts: mapped(view.accounts, (account) => ({ ...account, closed: 0n })) }),
  },
  "the record counts what is settled, not what is granted": {
    view: changedAccounts((lease) => ({
      ...lease,
      returned: lease.granted > lease.settled ? lease.granted - lease.settled : lease.returned,
    })),
    changes: withReturned(),
  },
  "replicas overwrite each other": {
    needs: ["conflicts"],
    ignoresVersions: true,
  },
  "one more than the limit is granted": {
    recordLimit: (plan) => ({
      ...plan,
      rules: plan.rules.map((rule) => ({ ...rule, amount: String(BigInt(rule.amount) + 1n) })),
    }),
  },
  "a fail-over goes unnoticed": {
    needs: ["failovers"],
    keepsEpoch: true,
    heard: hidesWhatIsForgotten(),
  },
  "a new epoch waits for nobody": {
    needs: ["failovers"],
    skipsHold: true,
  },
  "unheard sessions are not counted twice": {
    needs: ["lost memory"],
    skipsDoubling: true,
  },
  "what a session tells after a new epoch is not adopted": {
    needs: ["failovers"],
    heard: (request, view) => (request.whole && !request.closing ? hidesWhatIsForgotten()(request, view) : request),
  },
  "shares die before their holders stop": {
    needs: ["shares"],
    silenceFactor: 0.6,
  },
  "the life of a share is counted from the answer, and to its end": {
    needs: ["shares", "delays"],
    reply: (reply, elapsedMs) =>
      reply.kind === "answered"
        ? { ...reply, shareLifeMs: Math.round((reply.shareLifeMs + elapsedMs) / 0.8) + 2_000 }
        : reply,
  },
  "a holder does not mind being cut off": {
    needs: ["shares"],
    reply: (reply) => (reply.kind === "answered" ? { ...reply, shareLifeMs: 1e9 } : reply),
  },
  "a suspended process does not notice": {
    needs: ["shares"],
    blindToClocks: true,
  },
  "a rolling window forgets early": {
    needs: ["rolling"],
    view: (view) => ({
      ...view,
      accounts: mapped(view.accounts, (account) => ({
        ...account,
        expiring: account.expiring.map((one) => ({ ...one, untilMs: one.untilMs - 2_000 })),
      })),
    }),
  },
  "a rate counts for half its length": {
    needs: ["share"],
    podLimit: (plan) => ({
      ...plan,
      rules: plan.rules.map((rule) =>
        rule.window.kind === "share" && rule.window.ms !== undefined
          ? { ...rule, window: { ...rule.window, ms: rule.window.ms / 2 } }
          : rule,
      ),
    }),
  },
  "the account of the other values is taken for one's own": {
    reply: (reply) =>
      reply.kind === "answered"
        ? { ...reply, leases: reply.leases.map(({ asked, ...lease }) => ({ ...lease, family: asked ?? lease.family })) }
        : reply,
  },
  "a fenced holder goes on": {
    needs: ["clones"],
    reply: (reply) => (reply.kind === "stale" || reply.kind === "fenced" ? undefined : reply),
  },
};

/** Whether a world could show the bug. */
export function mayShow({ needs = [] }: PlantedBug, plan: WorldPlan): boolean {
  return needs.every(
    (need) =>
      need === plan.theme || plan.faults.has(need) || plan.limits.some((limit) => limit.rules[0]?.window.kind === need),
  );
}

type Totals = LeaseRequest["leases"][number];

function changedLeases(change: (lease: Totals) => Totals): (request: LeaseRequest) => LeaseRequest {
  return (request) => ({ ...request, leases: request.leases.map(change) });
}

function changedAccounts(change: (lease: LeaseState) => LeaseState): (view: RecordView) => RecordView {
  return (view) => ({
    ...view,
    accounts: mapped(view.accounts, (account) => ({ ...account, leases: mapped(account.leases, change) })),
  });
}

function mapped<K, V>(map: ReadonlyMap<K, V>, change: (value: V) => V): Map<K, V> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}

function differences(): (request: LeaseRequest) => LeaseRequest {
  const told = new Map<string, number>();
  return (request) => ({
    ...request,
    leases: request.leases.map((lease) => {
      const key = `${request.session} ${accountId(lease.family, lease.window)}`;
      const since = lease.settled - (told.get(key) ?? 0);
      told.set(key, lease.settled);
      return { ...lease, settled: since };
    }),
  });
}

/** As a record that looks at neither sequence nor totals. */
function hidesWhatIsForgotten(): (request: LeaseRequest, view: RecordView) => LeaseRequest {
  return (request, view) => {
    const known = view.sessions.get(request.session);
    const isBehind =
      known !== undefined && known.incarnation === request.incarnation && request.sequence > known.sequence + 1;
    return {
      ...request,
      sequence: known === undefined && !request.whole ? 1 : isBehind ? known.sequence + 1 : request.sequence,
      leases: request.leases.map((lease) => {
        const granted =
          view.accounts.get(accountId(lease.family, lease.window))?.leases.get(request.session)?.granted ?? 0n;
        return { ...lease, granted: Math.min(lease.granted, Number(granted)) };
      }),
    };
  };
}

/** What was hidden from the reader is not written. */
function withReturned(): (changes: RecordChanges, view: RecordView) => RecordChanges {
  return (changes, view) => ({
    ...changes,
    accounts: changes.accounts.map((account) => ({
      ...account,
      leases: new Map(
        [...account.leases].map(([session, lease]) => [
          session,
          unhidden(lease, view.accounts.get(account.id), session),
        ]),
      ),
    })),
  });
}

function unhidden(lease: LeaseState, before: AccountState | undefined, session: string): LeaseState {
  return { ...lease, returned: before?.leases.get(session)?.returned ?? 0n };
}
