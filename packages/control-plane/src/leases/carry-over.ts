/**
 * An edit never forgives. After another `per`, unit or window a limit has other accounts: each starts with what the ledger knows
 * of its calls in this window, and with all that the accounts before it have taken and the ledger has no record of (calls under
 * way, records that are still on their way). After another selector accounts stay, and count at least the ledger's history.
 */

import { accountId, type Family, type LimitPlan, type LimitRule, readAccountId } from "@sluice/contract";
import {
  type AccountState,
  committedOf,
  currentWindow,
  emptyAccount,
  neverMs,
  otherFamily,
  raiseTo,
  ruleKey,
  type WindowState,
  withExpiring,
} from "@sluice/limits";
import type { LeaseStore, LedgerSum } from "../store/lease-store.ts";
import type { RuleChange } from "./limit-books.ts";
import { type EpochPorts, readRecord } from "./record-epoch.ts";

export type CarryOverPorts = Omit<EpochPorts, "store"> & {
  readonly store: EpochPorts["store"] & Pick<LeaseStore, "listAccounts" | "ledgerSums" | "ledgerCharges">;
};

export type CarriedOver = { readonly window: number; readonly amount: bigint };

const attemptsMax = 20;
/** A record begins with its request's first byte, which may be before the window that it is charged to. */
const earlierMsMax = 3_600_000;

/** Brings the accounts of a rule in line; answers what accounts start with that open later in this window. */
export async function carryOver(
  ports: CarryOverPorts,
  plan: LimitPlan,
  { rule, kind }: RuleChange,
): Promise<CarriedOver> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const nowMs = Math.trunc(ports.nowMs());
    const key = ruleKey(plan.uid, rule.name);
    const read = await readRecord(ports, { windows: [key], sessions: [], accounts: [] });
    const window = currentWindow(rule, { key, stored: read.windows.get(key), nowMs });
    const accounts = await accountsOfRule(ports.store, { plan, rule, nowMs });
    const history = await historyOf(ports.store, { plan, rule, window, nowMs });
    const unproven = kind === "Selector" ? nothingUnproven : await unprovenOf(ports.store, accounts);
    const changes = changedAccounts({ plan, rule, window, accounts, history, unproven, nowMs });
    const expected = { memory: read.memory, epochVersion: read.epoch.version };
    if (await ports.store.writeLeases({ sessions: [], ...changes }, expected))
      return { window: window.startsAtMs, amount: unproven.total };
  }
  throw new Error(`The accounts of ${plan.kind} ${plan.id} were written by others ${attemptsMax} times in a row`);
}

type Unproven = { readonly total: bigint; readonly of: ReadonlyMap<string, bigint> };
const nothingUnproven: Unproven = { total: 0n, of: new Map() };

type Situation = {
  readonly plan: LimitPlan;
  readonly rule: LimitRule;
  readonly window: WindowState;
  readonly accounts: ReadonlyMap<string, AccountState>;
  /** By account id, none beyond the limit's most accounts. */
  readonly history: ReadonlyMap<string, bigint>;
  readonly unproven: Unproven;
  readonly nowMs: number;
};

/** Those whose window has not ended, by id. */
async function accountsOfRule(
  store: Pick<LeaseStore, "listAccounts">,
  { plan, rule, nowMs }: { plan: LimitPlan; rule: LimitRule; nowMs: number },
): Promise<Map<string, AccountState>> {
  const all = await store.listAccounts({ limits: [plan.uid], endsAfterMs: nowMs });
  const own = all.filter(({ id }) => readAccountId(id)?.family.rule === rule.name);
  return new Map(own.map((account) => [account.id, account]));
}

async function historyOf(
  store: Pick<LeaseStore, "ledgerSums">,
  { plan, rule, window, nowMs }: Pick<Situation, "plan" | "rule" | "window" | "nowMs">,
): Promise<Map<string, bigint>> {
  const sinceMs = rule.window.kind === "rolling" ? nowMs - rule.window.ms : window.startsAtMs;
  const { selector, namespace, per } = plan;
  const found = await store.ledgerSums({
    ...{ selector, per, sinceMs, untilMs: Number.MAX_SAFE_INTEGER },
    ...(namespace !== undefined && { namespace }),
    // Dollars that are held are in the ledger; tokens that are held are in the charges alone.
    ...(rule.unit === "tokens" && { charged: ruleKey(plan.uid, rule.name) }),
  });
  // The largest have accounts of their own, as those that came first would have had.
  const sums = found.toSorted((left, right) => order(amountIn(right, rule), amountIn(left, rule)));
  const history = new Map<string, bigint>();
  for (const [place, sum] of sums.entries()) {
    const own: Family = { limit: plan.uid, rule: rule.name, values: sum.values };
    const id = accountId(place < plan.accountsMax ? own : otherFamily(own), window.startsAtMs);
    history.set(id, (history.get(id) ?? 0n) + amountIn(sum, rule));
  }
  return history;
}

function order(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function amountIn({ nanoUsd, tokens, requests }: LedgerSum, { unit }: LimitRule): bigint {
  switch (unit) {
    case "nanoUsd":
      return nanoUsd;
    case "tokens":
      return tokens;
    case "requests":
      return requests;
    case "slots":
      return 0n;
  }
}

/** What accounts hold that no usage record has charged to them. What they carry (history, corrections) is of the ledger too. */
async function unprovenOf(
  store: Pick<LeaseStore, "ledgerCharges">,
  accounts: ReadonlyMap<string, AccountState>,
): Promise<Unproven> {
  const windows = [...accounts.keys()].map((id) => readAccountId(id)?.window ?? 0);
  const sinceMs = Math.min(...windows, Number.MAX_SAFE_INTEGER) - earlierMsMax;
  const charged = await store.ledgerCharges([...accounts.keys()], Math.max(sinceMs, 0));
  let total = 0n;
  const of = new Map<string, bigint>();
  for (const [id, account] of accounts) {
    const unproven = committedOf(account) + account.expired - account.carried - (charged.get(id) ?? 0n);
    if (unproven <= 0n) continue;
    of.set(id, unproven);
    total += unproven;
  }
  return { total, of };
}

function changedAccounts(situation: Situation): { accounts: AccountState[]; windows: WindowState[] } {
  const { plan, rule, window, accounts, history, unproven, nowMs } = situation;
  const endsAtMs = window.endsAtMs === neverMs ? null : window.endsAtMs;
  const current = [...accounts.keys()].filter((id) => isOfShape(id, { plan, window }));
  const changed: AccountState[] = [];
  let opened = 0;
  for (const id of new Set([...history.keys(), ...current])) {
    const before = accounts.get(id) ?? emptyAccount(id, endsAtMs);
    const ofOthers = unproven.total - (unproven.of.get(id) ?? 0n);
    const after = raised(before, (history.get(id) ?? 0n) + ofOthers, { rule, nowMs });
    if (after === before) continue;
    if (before.version === 0) opened += 1;
    changed.push(after);
  }
  return { accounts: changed, windows: opened === 0 ? [] : [{ ...window, accounts: window.accounts + opened }] };
}

function isOfShape(id: string, { plan, window }: Pick<Situation, "plan" | "window">): boolean {
  const named = readAccountId(id);
  return named?.window === window.startsAtMs && named.family.values.length === plan.per.length;
}

/** In a rolling window what is carried over runs out like anything spent now: later than it would have, never earlier. */
function raised(
  account: AccountState,
  start: bigint,
  { rule, nowMs }: Pick<Situation, "rule" | "nowMs">,
): AccountState {
  const after = raiseTo(account, start);
  if (after === account || rule.window.kind !== "rolling") return after;
  const delta = after.carried - account.carried;
  return withExpiring({ ...account, closed: account.closed + delta }, nowMs + rule.window.ms, delta);
}
