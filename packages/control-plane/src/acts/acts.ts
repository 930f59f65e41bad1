/**
 * Acts: makes and undoes them. Each is in the record first; then what the data planes have is brought in line with it, and the
 * answer tells how many follow it already.
 */

import type { ActAnswer, BudgetOverrideAct, StopAct } from "@sluice/api";
import { decimalToNanoUsd } from "@sluice/metering";
import type { Instances, Reach } from "../status/instances.ts";
import type { ReportStore } from "../store/report-store.ts";
import type { Store } from "../store/store.ts";
import { type Act, activeActs, type OverrideBody } from "./act.ts";
import { actView } from "./act-view.ts";

export type ActProblem = { readonly kind: "missing" | "invalid"; readonly message: string };
export type Acted = ActAnswer | ActProblem;

export type Acts = {
  stop(asked: StopAct, by: string): Promise<Acted>;
  override(asked: BudgetOverrideAct, by: string): Promise<Acted>;
  undo(id: string, by: string, reason: string): Promise<Acted>;
  /** Those in force, oldest first. */
  active(): Promise<Act[]>;
};

/** A data plane that is silent this long is reported, not waited for. */
const acknowledgeWithinMs = 2_000;
/** An act that was forgotten must not rule for years. */
const lastsMsMax = 366 * 86_400_000;

export type ActPorts = {
  readonly store: Pick<ReportStore, "listActs" | "putAct" | "undoAct"> & Pick<Store, "getResource">;
  readonly instances: Pick<Instances, "waitForRevision" | "all">;
  /** Brings the data planes in line with the record; answers the revision that is published then. */
  readonly reconcileNow: () => Promise<number | undefined>;
  readonly nowMs: () => number;
  readonly newId: () => string;
};

export function createActs(ports: ActPorts): Acts {
  const { store, nowMs } = ports;
  const active = async () => activeActs(await store.listActs(), nowMs());

  async function put(head: { by: string; reason: string; until: string | undefined }, what: ActKind): Promise<Acted> {
    const createdAtMs = Math.trunc(nowMs());
    const untilMs = head.until === undefined ? null : Date.parse(head.until);
    if (untilMs !== null && untilMs <= createdAtMs) return invalid("until lies in the past");
    if (untilMs !== null && untilMs > createdAtMs + lastsMsMax) return invalid("until is more than a year away");
    const ending = { untilMs, undoneAtMs: null, undoneBy: null };
    const act: Act = { id: ports.newId(), by: head.by, reason: head.reason, createdAtMs, ...ending, ...what };
    await store.putAct(act);
    return { act: actView(act), ...(await spread(ports)) };
  }

  return {
    active,
    async stop({ dimension, value, until, reason }, by) {
      if ((dimension === "Key" || dimension === "Provider") && !/^[^/]+\/[^/]+$/.test(value))
        return invalid(`${dimension} ${JSON.stringify(value)}: write it as namespace/name`);
      return put({ by, reason, until }, { kind: "Stop", body: { dimension, value } });
    },
    async override({ namespace, name, values, to, until, reason }, by) {
      const budget = await store.getResource({ kind: "Budget", namespace, name });
      if (budget === undefined) return { kind: "missing", message: `budgets.sluice.dev "${name}" not found` };
      const body = overrideBody({ namespace, name, to, ...(values && { values }) });
      const problem = "message" in body ? body : unfit(body, budget.spec as BudgetShape);
      if (problem !== undefined) return problem;
      return put({ by, reason, until }, { kind: "BudgetOverride", body: body as OverrideBody });
    },
    async undo(id, by, reason) {
      const act = (await active()).find((each) => each.id === id);
      if (act === undefined) return { kind: "missing", message: `There is no act ${id} in force` };
      await store.undoAct(id, { by, reason, atMs: Math.trunc(nowMs()) });
      return { act: actView(act), ...(await spread(ports)) };
    },
  };
}

type ActKind =
  | { kind: "Stop"; body: Extract<Act, { kind: "Stop" }>["body"] }
  | { kind: "BudgetOverride"; body: OverrideBody };
type BudgetShape = {
  readonly per?: readonly string[];
  readonly limit: { readonly usd?: string; readonly tokens?: number };
};

async function spread(ports: ActPorts): Promise<{ acknowledged: number; desired: number }> {
  const revision = await ports.reconcileNow();
  const reach: Reach =
    revision === undefined
      ? { acknowledged: 0, of: ports.instances.all().length }
      : await ports.instances.waitForRevision(revision, acknowledgeWithinMs);
  return { acknowledged: reach.acknowledged, desired: reach.of };
}

function overrideBody(
  asked: Pick<BudgetOverrideAct, "namespace" | "name" | "values" | "to">,
): OverrideBody | ActProblem {
  const { namespace, name, values, to } = asked;
  const head = { budget: `${namespace}/${name}`, ...(values && { values }) };
  if (to.usd === undefined) return { ...head, unit: "tokens", amount: String(to.tokens) };
  const amount = decimalToNanoUsd(to.usd);
  return typeof amount === "bigint"
    ? { ...head, unit: "nanoUsd", amount: String(amount) }
    : invalid(`to.usd ${amount.problem}`);
}

/** Why the override would have nothing to act on. */
function unfit({ unit, values }: OverrideBody, { per = [], limit }: BudgetShape): ActProblem | undefined {
  const own = limit.usd === undefined ? "tokens" : "nanoUsd";
  if (unit !== own)
    return invalid(
      `this Budget counts ${own === "tokens" ? "tokens" : "USD"}: set to.${own === "tokens" ? "tokens" : "usd"}`,
    );
  if (values === undefined) return undefined;
  const isExact =
    Object.keys(values).length === per.length && per.every((dimension) => values[dimension] !== undefined);
  if (isExact) return undefined;
  const split =
    per.length === 0 ? "is not split: leave the account out" : `is split by ${per.join(", ")}: name exactly these`;
  return invalid(`this Budget ${split}`);
}

function invalid(message: string): ActProblem {
  return { kind: "invalid", message };
}
