import { expect, test } from "vitest";
import type { SpendGroup } from "../store/report-store.ts";
import { spendReport } from "./spend-report.ts";

const group = (
  values: readonly (string | null)[],
  costNanoUsd: bigint,
  change: Partial<SpendGroup> = {},
): SpendGroup => ({
  ...{ values, calls: 1n, inputTokens: 10n, outputTokens: 1n, costNanoUsd, heldNanoUsd: 0n },
  ...{ unpricedCalls: 0n, estimatedCalls: 0n },
  ...change,
});
const [sinceMs, untilMs] = [Date.UTC(2026, 10, 20), Date.UTC(2026, 10, 22)];

test("rows add up to the total, the dearest first, with the time before beside them", async () => {
  const asked: number[][] = [];
  const store = {
    async spend({ sinceMs: from, untilMs: to }: { sinceMs: number; untilMs: number }) {
      asked.push([from, to]);
      if (from === sinceMs) return [group(["rank"], 1n), group([null], 2n, { heldNanoUsd: 5n }), group(["null"], 3n)];
      return [group(["gone"], 70n), group(["rank"], 4n)];
    },
  };
  const report = await spendReport(store, { by: ["service"], sinceMs, untilMs });
  expect(asked).toEqual([
    [sinceMs, untilMs],
    [Date.UTC(2026, 10, 18), sinceMs],
  ]);
  expect(
    report.rows.map(({ group: { service }, costUsd, previousCostUsd, share }) => [
      service,
      costUsd,
      previousCostUsd,
      share,
    ]),
  ).toEqual([
    ["null", "0.000000003", "0.00", 50],
    [null, "0.000000002", "0.00", 33.33],
    ["rank", "0.000000001", "0.000000004", 16.67],
    ["gone", "0.00", "0.00000007", 0],
  ]);
  expect(report.total).toMatchObject({
    ...{ calls: "3", costUsd: "0.000000006", heldUsd: "0.000000005", previousCostUsd: "0.000000074" },
    tokens: { input: "30", output: "3", total: "33" },
  });
});

test("sums beyond 2^53 nano-dollars lose nothing", async () => {
  const store = { spend: async () => [group(["a"], 9_007_199_254_740_993n), group(["b"], 1n)] };
  const report = await spendReport(store, { by: ["team"], sinceMs, untilMs });
  expect(report.total.costUsd).toBe("9007199.254740994");
});

test("without spend there is a total of nothing", async () => {
  const report = await spendReport({ spend: async () => [] }, { by: ["team", "model"], sinceMs, untilMs });
  expect(report).toMatchObject({ rows: [], total: { calls: "0", costUsd: "0.00" } });
});
