import type { SpendReport } from "@sluice/api";
import { expect, test } from "vitest";
import { spendCsv, spendTable } from "./spend-table.ts";

const sums = (
  costUsd: string,
  previousCostUsd: string,
  change: Partial<SpendReport["total"]> = {},
): SpendReport["total"] => ({
  ...{ calls: "1204", tokens: { input: "1000000", output: "2000", total: "1002000" }, costUsd, heldUsd: "0.00" },
  ...{ unpricedCalls: "0", estimatedCalls: "0", previousCostUsd },
  ...change,
});
const report: SpendReport = {
  ...{ since: "2026-11-23T11:30:00Z", until: "2026-11-24T11:30:00Z", previousSince: "2026-11-22T11:30:00Z" },
  by: ["service", "metadata/env"],
  rows: [
    { group: { service: "classify", "metadata/env": "=prod()" }, ...sums("1341.20", "12.00"), share: 99.98 },
    { group: { service: null, "metadata/env": null }, ...sums("0.23", "0.46"), share: 0.02 },
    { group: { service: "new\u001b[2J", "metadata/env": null }, ...sums("0.00", "0.00"), share: 0 },
  ],
  total: sums("1341.43", "12.46", { heldUsd: "2.50", estimatedCalls: "3" }),
};

test("a table has figures to the right, a row of what has no value, and a total", () => {
  expect(`\n${spendTable(report)}\n`).toBe(`
SERVICE        METADATA/ENV   CALLS      TOKENS   COST USD   HELD USD      SHARE   BEFORE USD     CHANGE
classify       =prod()        1,204   1,002,000   1,341.20       0.00    99.98 %        12.00   +11077 %
(none)         (none)         1,204   1,002,000       0.23       0.00     0.02 %         0.46      -50 %
new\\u{1b}[2J   (none)         1,204   1,002,000       0.00       0.00     0.00 %         0.00
TOTAL                         1,204   1,002,000   1,341.43       2.50   100.00 %        12.46   +10666 %

From 2026-11-23T11:30:00Z to 2026-11-24T11:30:00Z; before: from 2026-11-22T11:30:00Z.
Held: charged to budgets until it is known whether the provider billed it.
3 calls ended without the provider's own figures: their cost is an estimate.
`);
});

test("points stand below each other, and no digit is lost", () => {
  const rows = ["8.412", "0.000000811", "1000.00"].map((costUsd) => ({
    ...{ group: { service: "a", "metadata/env": null }, ...sums(costUsd, "0.00"), share: 1 },
  }));
  const table = spendTable({ ...report, rows, total: sums("1008.412000811", "0.00") });
  expect(table.match(/[0-9,]+\.[0-9]{9}/g)).toEqual([
    ...["8.412000000", "0.000000811", "1,000.000000000", "1,008.412000811"],
  ]);
});

test("a CSV has exact figures and no total that would be counted twice", () => {
  const [head, first, second, ...rest] = spendCsv(report).split("\n");
  expect(head).toBe(
    "service,metadata_env,calls,input_tokens,output_tokens,total_tokens,cost_usd,held_usd,share_percent,previous_cost_usd,estimated_calls,unpriced_calls",
  );
  expect(first).toBe("classify,'=prod(),1204,1000000,2000,1002000,1341.20,0.00,99.98,12.00,0,0");
  expect(second).toBe("(none),(none),1204,1000000,2000,1002000,0.23,0.00,0.02,0.46,0,0");
  expect(rest).toHaveLength(1);
});
