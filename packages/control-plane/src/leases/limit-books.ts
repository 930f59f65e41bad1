/**
 * Books of limits: what each limit was when its accounts were last brought in line with it, so that an edit is seen whoever
 * made it, and however long ago. What changed decides what is carried over (`carry-over.ts`).
 */

import { canonicalJson, type LimitPlan, type LimitRule, type LimitSelector } from "@sluice/contract";
import { ruleKey } from "@sluice/limits";
import type { LimitBook } from "../store/lease-store.ts";
import type { Openings } from "./answer-batch.ts";

export type BookBody = {
  readonly per: readonly string[];
  readonly selector: LimitSelector;
  readonly namespace?: string;
  readonly rules: readonly Pick<LimitRule, "name" | "unit" | "window">[];
  /** By rule name: what accounts start with that open in this window, as decimal text. */
  readonly openings: Readonly<Record<string, { readonly window: number; readonly amount: string }>>;
};

/** What an edit did to a rule's accounts. `Shape`: they are other accounts; `Selector`: the same, of other calls. */
export type RuleChange = { readonly rule: LimitRule; readonly kind: "Shape" | "Selector" };

export function bookOf({ per, selector, namespace, rules }: LimitPlan): BookBody {
  return {
    ...{ per, selector, ...(namespace !== undefined && { namespace }), openings: {} },
    rules: rules.map(({ name, unit, window }) => ({ name, unit, window })),
  };
}

export function readBook({ body }: LimitBook): BookBody {
  return JSON.parse(body) as BookBody;
}

/** Shares of short rates and slots have no past that counts. */
export function changesOf(before: BookBody, plan: LimitPlan): RuleChange[] {
  const now = bookOf(plan);
  const isSame = (left: unknown, right: unknown) => canonicalJson(left) === canonicalJson(right);
  const isReselected = !isSame([before.selector, before.namespace ?? null], [now.selector, now.namespace ?? null]);
  return plan.rules.flatMap((rule): RuleChange[] => {
    if (rule.window.kind === "share") return [];
    const was = before.rules.find(({ name }) => name === rule.name);
    const { name, unit, window } = rule;
    const keepsShape = isSame(before.per, now.per) && was !== undefined && isSame(was, { name, unit, window });
    if (!keepsShape) return [{ rule, kind: "Shape" }];
    return isReselected ? [{ rule, kind: "Selector" }] : [];
  });
}

/** Whether the book has to be written anew, changed accounts or not. */
export function isOutdated(before: BookBody, plan: LimitPlan): boolean {
  return canonicalJson({ ...before, openings: {} }) !== canonicalJson(bookOf(plan));
}

export function openingsOf(books: Iterable<readonly [uid: string, BookBody]>): Openings {
  const openings = new Map<string, { window: number; amount: bigint }>();
  for (const [uid, { openings: own }] of books)
    for (const [rule, { window, amount }] of Object.entries(own))
      openings.set(ruleKey(uid, rule), { window, amount: BigInt(amount) });
  return openings;
}
