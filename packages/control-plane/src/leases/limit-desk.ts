/**
 * The limits that requests are answered under. A changed one is brought in line with the ledger first: until then, answers go
 * by what was in force before.
 */

import type { LimitPlan } from "@sluice/contract";
import type { Limits } from "@sluice/limits";
import type { LeaseStore, LimitBook } from "../store/lease-store.ts";
import type { Openings } from "./answer-batch.ts";
import { type CarryOverPorts, carryOver } from "./carry-over.ts";
import { type BookBody, bookOf, changesOf, isOutdated, openingsOf, readBook } from "./limit-books.ts";

export type LimitDeskPorts = CarryOverPorts & {
  readonly store: CarryOverPorts["store"] & Pick<LeaseStore, "listLimitBooks" | "writeLimitBooks">;
};

export type LimitsInForce = { readonly limits: Limits; readonly openings: Openings };

/** Idempotent: whoever is cut off here, or does it beside another replica, does no harm. */
export async function bringInLine(ports: LimitDeskPorts, plans: readonly LimitPlan[]): Promise<LimitsInForce> {
  const { store, log } = ports;
  const stored = new Map((await store.listLimitBooks()).map((book) => [book.uid, book]));
  const bodies = new Map<string, BookBody>();
  const outdated: LimitBook[] = [];
  for (const plan of plans) {
    const book = stored.get(plan.uid);
    const before = book && readBook(book);
    const body = before === undefined ? bookOf(plan) : await edited(ports, plan, before);
    bodies.set(plan.uid, body);
    if (book === undefined || body !== before)
      outdated.push({ uid: plan.uid, version: book?.version ?? 0, body: JSON.stringify(body) });
    if (before !== undefined && body !== before) log.info("a changed limit was brought in line", { limit: plan.id });
  }
  // What another replica has written first is of the same limits, or it is seen at the next run.
  await store.writeLimitBooks(outdated);
  return { limits: new Map(plans.map((plan) => [plan.uid, plan])), openings: openingsOf(bodies) };
}

async function edited(ports: LimitDeskPorts, plan: LimitPlan, before: BookBody): Promise<BookBody> {
  if (!isOutdated(before, plan)) return before;
  const openings: Record<string, { window: number; amount: string }> = { ...before.openings };
  for (const change of changesOf(before, plan)) {
    const { window, amount } = await carryOver(ports, plan, change);
    const known = openings[change.rule.name];
    // A second edit in one window: those of before may still be under way.
    const least = known?.window === window ? BigInt(known.amount) : 0n;
    if (change.kind === "Shape")
      openings[change.rule.name] = { window, amount: String(amount > least ? amount : least) };
  }
  return { ...bookOf(plan), openings };
}
