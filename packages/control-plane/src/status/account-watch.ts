/**
 * AccountWatch: keeps an eye on the accounts of limits. What this replica books is looked at at once, what others do every few
 * seconds; thresholds are told by `alerts`, statuses are asked for, seldom enough for the record, and where a lowered limit
 * has more granted than it now allows, what lies idle is called back.
 */

import type { Family, LimitPlan } from "@sluice/contract";
import type { AccountState } from "@sluice/limits";
import type { AlertPolicy } from "../alerts/alert-policy.ts";
import type { Alerts } from "../alerts/alerts.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { Loop } from "../reconcile/loop.ts";
import type { LeaseStore } from "../store/lease-store.ts";
import type { AccountFigures } from "./account-figures.ts";
import { KnownAccounts } from "./known-accounts.ts";
import type { Situation } from "./status-writer.ts";

export type AccountWatchPorts = {
  readonly store: Pick<LeaseStore, "listAccounts" | "durability">;
  readonly alerts: Pick<Alerts, "look" | "usePolicies">;
  readonly clock: Clock;
  readonly log: Log;
  /** Statuses of limits are to be written; at most this often: `statusEveryMs`. */
  readonly onChange: () => Promise<void>;
  /** Data planes give back what lies idle of these. */
  readonly recall: (families: readonly Family[]) => Promise<void>;
};

const changedDebounceMs = 50;
const statusEveryMs = 2_000;
const lookEveryMs = 10_000;
/** One message on the bus; the others come with a later look. */
const recalledMax = 1_000;

export class AccountWatch implements AsyncDisposable {
  readonly #ports: AccountWatchPorts;
  readonly #known = new KnownAccounts();
  readonly #loops: { readonly changed: Loop; readonly all: Loop; readonly statuses: Loop };
  #changed = new Map<string, AccountState>();
  #limits: readonly LimitPlan[] = [];
  #policies: ReadonlyMap<string, AlertPolicy> = new Map();
  #durabilityReduced: string | undefined;
  #cancelLook: (() => void) | undefined;
  #closed = false;

  constructor(ports: AccountWatchPorts) {
    this.#ports = ports;
    const { clock, log } = ports;
    const loop = (name: string, debounceMs: number, work: () => Promise<void>) =>
      new Loop({ name, debounceMs, clock, log, work });
    this.#loops = {
      changed: loop("looking at changed accounts", changedDebounceMs, () => this.#lookAtChanged()),
      all: loop("looking at all accounts", statusEveryMs, () => this.#lookAtAll()),
      statuses: loop("writing the statuses of limits", statusEveryMs, () => ports.onChange()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancelLook?.();
    for (const loop of Object.values(this.#loops)) await loop[Symbol.asyncDispose]();
  }

  /** Of the snapshot in force, after each reconcile. */
  useLimits(limits: readonly LimitPlan[], policies: ReadonlyMap<string, AlertPolicy>): void {
    this.#limits = limits;
    this.#policies = policies;
    this.#known.useLimits(limits);
    this.#ports.alerts.usePolicies(policies);
    this.#loops.all.ask();
  }

  /** What this replica has just written; `exhausted`: accounts that had no room for what was asked. */
  note(accounts: readonly AccountState[], exhausted: readonly string[]): void {
    this.#known.note(accounts);
    this.#known.noteExhausted(exhausted, this.#ports.clock.nowMs());
    for (const account of accounts) this.#changed.set(account.id, account);
    this.#loops.changed.ask();
  }

  /** For the statuses. */
  situation(nowMs: number): Situation["limits"] {
    return {
      figures: this.#known.figures(nowMs),
      exhausted: this.#known.exhausted,
      policies: this.#policies,
      durabilityReduced: this.#durabilityReduced,
    };
  }

  async #lookAtChanged(): Promise<void> {
    const changed = this.#changed;
    this.#changed = new Map();
    await this.#ports.alerts.look(this.#known.figuresOf(changed.values(), this.#ports.clock.nowMs()));
    this.#loops.statuses.ask();
  }

  async #lookAtAll(): Promise<void> {
    const { store, alerts, clock } = this.#ports;
    this.#cancelLook?.();
    const nowMs = clock.nowMs();
    if (this.#limits.length > 0) {
      const limits = this.#limits.map(({ uid }) => uid);
      this.#known.noteAll(await store.listAccounts({ limits, endsAfterMs: nowMs }));
      const figures = [...this.#known.figures(nowMs).values()].flatMap(({ accounts }) => accounts);
      await alerts.look(figures);
      const over = figures.filter(isOver).slice(0, recalledMax);
      if (over.length > 0) await this.#ports.recall(over.map(familyOf));
      const durability = await store.durability();
      this.#durabilityReduced = durability.kind === "Reduced" ? durability.reasons.join("; ") : undefined;
    }
    this.#loops.statuses.ask();
    if (!this.#closed) this.#cancelLook = clock.after(lookEveryMs, () => this.#loops.all.ask());
  }
}

/** More is granted than the limit allows now, and some of it lies idle. */
function isOver({ plan, amount, spent, reserved, committed, isLeasedAhead }: AccountFigures): boolean {
  return plan.mode === "Enforce" && isLeasedAhead && committed > amount && committed > spent + reserved;
}

function familyOf({ plan, rule, values }: AccountFigures): Family {
  return { limit: plan.uid, rule: rule.name, values };
}
