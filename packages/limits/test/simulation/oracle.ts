/**
 * What is true, whatever the planes believe: what the provider has billed, and what runs. Its only questions to the planes are
 * under which account a call was admitted, and whether that account had granted it.
 */

import { type LimitPlan, type LimitWindow, readAccountId } from "@sluice/contract";

export class SimulationFailure extends Error {
  override readonly name = "SimulationFailure";
}

/** Clocks of pods run apart by less. */
const driftPart = 0.98;

type Truth = {
  readonly window: LimitWindow;
  readonly enforced: boolean;
  amountMax: number;
  /** What may be billed beyond the limit, each part with its reason: an overrun, a limit that lets pass, lost commits. */
  excused: number;
  billed: number;
  running: number;
  /** Of rates and rolling windows: what was billed when. */
  readonly recent: { atMs: number; amount: number }[];
  recentSum: number;
};

export class Oracle {
  readonly #truths = new Map<string, Truth>();
  readonly #plans = new Map<string, LimitPlan>();
  readonly #amountMax = new Map<string, number>();

  /** Every version of a limit: what was promised under a higher amount is honoured. */
  learn(plan: LimitPlan): void {
    this.#plans.set(plan.uid, plan);
    const amount = Number(plan.rules[0]!.amount);
    this.#amountMax.set(plan.uid, Math.max(amount, this.#amountMax.get(plan.uid) ?? 0));
    for (const [id, truth] of this.#truths)
      if (readAccountId(id)?.family.limit === plan.uid) truth.amountMax = Math.max(truth.amountMax, amount);
  }

  excuse(account: string, amount: number): void {
    this.#truth(account).excused += amount;
  }

  bill(account: string, { amount, atMs }: { amount: number; atMs: number }): void {
    const truth = this.#truth(account);
    truth.billed += amount;
    if (spanOf(truth.window) !== undefined) this.#billRecent(truth, { amount, atMs });
    this.#check(account, truth);
  }

  start(account: string): void {
    const truth = this.#truth(account);
    truth.running += 1;
    this.#check(account, truth);
  }

  end(account: string): void {
    this.#truth(account).running -= 1;
  }

  billed(account: string): number {
    return this.#truths.get(account)?.billed ?? 0;
  }

  #billRecent(truth: Truth, bill: { amount: number; atMs: number }): void {
    truth.recent.push(bill);
    truth.recentSum += bill.amount;
    const since = bill.atMs - (spanOf(truth.window) ?? 0) * driftPart;
    while (truth.recent.length > 0 && truth.recent[0]!.atMs <= since) truth.recentSum -= truth.recent.shift()!.amount;
  }

  #check(account: string, truth: Truth): void {
    if (!truth.enforced) return;
    const { window } = truth;
    const isSlots = window.kind === "share" && window.ms === undefined;
    const amount = isSlots ? truth.running : spanOf(window) === undefined ? truth.billed : truth.recentSum;
    if (amount <= truth.amountMax + truth.excused) return;
    throw new SimulationFailure(
      `${account}: ${amount} ${isSlots ? "run" : "billed"}, the limit is ${truth.amountMax} and ${truth.excused} is excused`,
    );
  }

  #truth(account: string): Truth {
    const known = this.#truths.get(account);
    if (known !== undefined) return known;
    const plan = this.#plans.get(readAccountId(account)!.family.limit)!;
    const truth: Truth = {
      window: plan.rules[0]!.window,
      enforced: plan.mode === "Enforce",
      amountMax: this.#amountMax.get(plan.uid)!,
      ...{ excused: 0, billed: 0, running: 0, recent: [], recentSum: 0 },
    };
    this.#truths.set(account, truth);
    return truth;
  }
}

/** Over how long a sum is limited; undefined: over the account's whole life. */
function spanOf(window: LimitWindow): number | undefined {
  if (window.kind === "rolling") return window.ms;
  return window.kind === "share" ? window.ms : undefined;
}
