/** What reports ask of the record, on both databases: every grouping and every page adds up to the ledger. */

import { accountId, type UsageEvent } from "@sluice/contract";
import { beforeEach, expect, test } from "vitest";
import { describeEachStore } from "../../test/each-store.ts";
import { recordAll } from "../../test/usage-events.ts";
import type { Correction } from "../reports/correction.ts";
import type { CorrectedUsageQuery } from "./report-store.ts";

describeEachStore("reports", (under) => {
  let instance = "";
  /** Each test has a day of its own. */
  let dayMs = 0;
  let tests = 0;
  beforeEach(() => {
    instance = `reported-${++tests}`;
    dayMs += 86_400_000;
  });

  const tokens = (input: number, output: number) => ({
    ...{ input, inputAudio: 1, cacheRead: 2, cacheWrite5m: 3, cacheWrite1h: 4, cacheWriteOther: 5 },
    ...{ output, outputReasoning: 6, outputAudio: 7 },
  });
  const record = (changes: readonly Partial<UsageEvent>[]) =>
    recordAll(
      under.store,
      instance,
      changes.map((change, place) => ({ startedAtMs: dayMs + place, ...change })),
    );
  const spend = (by: readonly string[], sinceMs = dayMs, untilMs = dayMs + 86_400_000) =>
    under.store.spend({ by, sinceMs, untilMs });
  const correction = (seq: number, change: Partial<Correction> = {}): Correction => ({
    ...{ id: `${instance}-${seq}-${change.kind}`, instance, seq, kind: "Reprice", deltaCostNanoUsd: 0n },
    ...{ deltaHeldNanoUsd: 0n, price: null, by: "somebody", reason: "prices were wrong", atMs: 5 },
    ...change,
  });
  async function pages(query: Omit<CorrectedUsageQuery, "limit">, limit: number) {
    const items = [];
    for (let cursor: string | undefined; ; ) {
      const page = await under.store.listCorrectedUsage({ ...query, limit, ...(cursor !== undefined && { cursor }) });
      items.push(...page.items);
      if (page.cursor === undefined) return items;
      expect(page.items).toHaveLength(limit);
      cursor = page.cursor;
    }
  }

  test("an event comes back with all it tells of money", async () => {
    const [event] = await record([
      {
        ...{ costNanoUsd: 9_007_199_254_740_991, heldNanoUsd: 5, estimated: true, billingReason: "Cut", price: "p#1" },
        ...{ serviceTier: "flex", claimedUser: "ana", run: "r-1", folded: 3 },
        charges: [["0@uid/usd/a%2Fb", 7]],
        tokens: { ...tokens(1, 2), inputImage: 3, outputImage: 4, webSearches: 5, webFetches: 6 },
      },
    ]);
    expect(await under.store.listUsage({ limit: 9, sinceMs: dayMs })).toEqual([event]);
  });

  test.each([
    ["a negative cost", { costNanoUsd: -1 }],
    ["a cost beyond what is exact", { costNanoUsd: 9_007_199_254_740_992 }],
    ["a cost beyond any integer", { costNanoUsd: 1e30 }],
    ["half a nano-dollar", { costNanoUsd: 0.5 }],
    ["a negative held part", { heldNanoUsd: -1 }],
    ["charges that are none", { charges: { a: 1 } as unknown as [string, number][] }],
  ])("an event with %s is set aside", async (_, change) => {
    await record([change, {}]);
    expect((await under.store.listUsage({ limit: 9, sinceMs: dayMs })).map(({ seq }) => seq)).toEqual([2]);
  });

  test("groups add up to the ledger, and what has no value is a group too", async () => {
    await record([
      { team: "a", service: "api", costNanoUsd: 3, heldNanoUsd: 10, tokens: tokens(10, 20), metadata: { env: "x" } },
      { team: "a", service: "job", costNanoUsd: 5, folded: 4, estimated: true, tokens: tokens(1, 1) },
      { team: "null", costNanoUsd: 9_007_199_254_740_991, metadata: { env: "x", "a.b": "y" } },
      { costNanoUsd: 9_007_199_254_740_991 },
      { outcome: "Refused", attempts: 0, costNanoUsd: undefined },
      { team: "a", costNanoUsd: undefined, run: "r-1" },
    ]);
    const byTeam = await spend(["team"]);
    const of = (team: string | null) => byTeam.find(({ values }) => values[0] === team);
    expect(byTeam).toHaveLength(3);
    expect(of("a")).toEqual({
      ...{ values: ["a"], calls: 6n, inputTokens: 41n, outputTokens: 47n, costNanoUsd: 8n, heldNanoUsd: 10n },
      ...{ unpricedCalls: 1n, estimatedCalls: 4n },
    });
    expect(of(null)).toMatchObject({ calls: 2n, costNanoUsd: 9_007_199_254_740_991n, unpricedCalls: 0n });
    const [total] = await spend([]);
    expect(total).toMatchObject({ values: [], calls: 9n, costNanoUsd: 18_014_398_509_481_990n, unpricedCalls: 1n });
    for (const by of [["team"], ["service", "team"], ["metadata/env"], ["metadata/a.b", "run", "user"], ["provider"]]) {
      const groups = await spend(by);
      const sum = (name: "costNanoUsd" | "calls" | "heldNanoUsd") =>
        groups.reduce((all, group) => all + group[name], 0n);
      expect([sum("costNanoUsd"), sum("calls"), sum("heldNanoUsd")], by.join()).toEqual([
        ...[total?.costNanoUsd, total?.calls, total?.heldNanoUsd],
      ]);
    }
    expect((await spend(["metadata/env"])).map(({ values, calls }) => [values[0], calls])).toEqual(
      expect.arrayContaining([
        ["x", 2n],
        [null, 7n],
      ]),
    );
    expect(await spend([], dayMs, dayMs)).toEqual([]);
    await expect(spend(["team; drop table usage"])).rejects.toThrow(/no "team; drop table usage"/);
  });

  test("corrections count with their record, wherever they were made", async () => {
    await record([
      { team: "a", costNanoUsd: 100, heldNanoUsd: 20 },
      { team: "b", costNanoUsd: undefined },
    ]);
    const made = [
      correction(1, { kind: "Reprice", deltaCostNanoUsd: -30n, atMs: 7 }),
      correction(1, { kind: "Settle", deltaHeldNanoUsd: -20n, atMs: 6 }),
      correction(2, { deltaCostNanoUsd: 11n, price: "p#2" }),
    ];
    const nothing = () => new Map<string, bigint>();
    const { kept, moved } = await under.store.recordCorrections(made, nothing);
    expect([kept.toSorted(), moved]).toEqual([made.map(({ id }) => id).toSorted(), []]);
    expect(await under.store.recordCorrections(made, nothing)).toEqual({ kept: [], moved: [] });
    const byTeam = await spend(["team"]);
    expect(byTeam.find(({ values }) => values[0] === "a")).toMatchObject({ costNanoUsd: 70n, heldNanoUsd: 0n });
    expect(byTeam.find(({ values }) => values[0] === "b")).toMatchObject({ costNanoUsd: 11n, unpricedCalls: 0n });
    const [b, a] = await pages({ sinceMs: dayMs, untilMs: dayMs + 2 }, 10);
    expect(a?.corrections, "oldest first").toEqual([made[1], made[0]]);
    expect(b?.corrections).toEqual([made[2]]);
    expect(await under.store.recordCorrections([], nothing)).toEqual({ kept: [], moved: [] });
  });

  test.each([1, 2, 3, 7, 100])("pages of %i tell each record once, also where times are equal", async (limit) => {
    const events = await record(
      Array.from({ length: 7 }, (_, place) => ({ startedAtMs: dayMs + (place >> 2), costNanoUsd: place })),
    );
    const items = await pages({ sinceMs: dayMs }, limit);
    expect(items.map(({ event }) => event)).toEqual(
      expect.arrayContaining([...events].map((event) => expect.objectContaining({ seq: event.seq }))),
    );
    expect(items.map(({ event }) => event.seq)).toEqual([7, 6, 5, 4, 3, 2, 1]);
    const [total] = await spend([]);
    expect(items.reduce((sum, { event }) => sum + BigInt(event.costNanoUsd ?? 0), 0n)).toBe(total?.costNanoUsd);
  });

  test("records are chosen by who, where and when; a cursor that is none ends the list", async () => {
    await record([
      { key: "ai/one", provider: "ai/openai" },
      { key: "ai/two", team: "a", service: "api" },
    ]);
    const seqs = async (query: Omit<CorrectedUsageQuery, "limit">) =>
      (await pages({ sinceMs: dayMs, ...query }, 10)).map(({ event }) => event.seq);
    expect(await seqs({ key: "ai/one" })).toEqual([1]);
    expect(await seqs({ team: "a", service: "api" })).toEqual([2]);
    expect(await seqs({ provider: "ai/openai", team: "a" })).toEqual([]);
    expect(await seqs({ requestId: `req-${instance}-2` })).toEqual([2]);
    expect(await seqs({ untilMs: dayMs + 1 })).toEqual([1]);
    expect(await seqs({ cursor: "nothing" })).toEqual([]);
  });

  test("balances move with the corrections that were kept, never below nothing, in windows that have not ended", async () => {
    const { memory, epoch } = await under.store.readLeases({ windows: [], sessions: [], accounts: [] });
    const id = (value: string) => accountId({ limit: instance, rule: "usd", values: [value] }, 0);
    const account = (value: string, endsAtMs: number | null) => ({
      ...{ id: id(value), version: 0, endsAtMs, closed: 50n, carried: 0n, expiring: [], expired: 0n },
      ...{ leases: new Map(), recalledAtMs: 0 },
    });
    const accounts = [account("a", null), account("b", 2_000), account("ended", 1_000)];
    const expected = { memory, epochVersion: epoch?.version ?? 0 };
    expect(await under.store.writeLeases({ sessions: [], windows: [], accounts }, expected)).toBe(true);
    const deltas = new Map([
      [id("a"), 7n],
      [id("b"), -80n],
      [id("ended"), 9n],
      [id("none"), 1n],
    ]);
    const made = [correction(1, { atMs: 1_000 }), correction(2, { atMs: 1_000 })];
    await under.store.recordCorrections(made.slice(0, 1), () => new Map());
    const done = await under.store.recordCorrections(made, (kept) => {
      expect(kept).toEqual([made[1]?.id]);
      return deltas;
    });
    expect(done.moved.toSorted()).toEqual([id("a"), id("b")]);
    const now = await under.store.listAccounts({ limits: [instance] });
    expect(now.map(({ carried, version }) => [carried, version])).toEqual([
      ...[
        [7n, 2],
        [-50n, 2],
        [0n, 1],
      ],
    ]);
    const failing = under.store.recordCorrections([correction(3)], () => new Map([["\ud800", 1n]]));
    await expect(failing).rejects.toThrow();
    const again = await under.store.recordCorrections([correction(3)], () => new Map());
    expect(again.kept, "nothing of the one that failed was kept").toEqual([correction(3).id]);
  });

  test("acts are kept, told and undone once", async () => {
    const heard: string[] = [];
    const stop = under.store.onChange((change) => heard.push(change));
    const act = {
      ...{ id: instance, kind: "Stop" as const, body: { dimension: "Team" as const, value: "a" }, by: "ana" },
      ...{ reason: "runaway", createdAtMs: 5, untilMs: null, undoneAtMs: null, undoneBy: null },
    };
    await under.store.putAct(act);
    await under.store.undoAct(instance, { by: "bob", reason: "over", atMs: 9 });
    await under.store.undoAct(instance, { by: "late", reason: "again", atMs: 10 });
    expect(await under.store.listActs()).toContainEqual({ ...act, undoneAtMs: 9, undoneBy: "bob" });
    expect(heard).toEqual(["act", "act"]);
    stop();
  });
});
