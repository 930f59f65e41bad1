/** The job that runs every minute instead of every week: its budget holds, people hear of it in time, and the report adds up. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { startWebhookReceiver } from "../../packages/control-plane/test/webhook-receiver.ts";
import { billNanoUsd, entryNanoUsd } from "./bill.ts";
import { eventually } from "./eventually.ts";
import { type Installation, startInstallation, tuesdayMs } from "./installation.ts";
import { nanoUsd } from "./nano-usd.ts";
import { dearModel, jobAccount, type Night, runNight } from "./runaway-job.ts";

const nightMs = 120_000;
let installation: Installation;
afterEach(() => installation[Symbol.asyncDispose]());

test("a job that runs wild for four hours stops at its 20 dollars, and everybody else goes on", {
  timeout: nightMs,
}, async () => {
  await using receiver = await startWebhookReceiver();
  installation = await startInstallation({
    behaviour: ({ body }) => (body.includes(`"${dearModel}"`) ? { tokens: 5_000 } : undefined),
    secrets: new Map([["default/hooks/secret", "signing-secret"]]),
  });
  const webhook = { url: receiver.url, secretRef: { name: "hooks", key: "secret" } };
  await installation.apply({
    kind: "Budget",
    metadata: { name: "reports-daily" },
    spec: {
      selector: { services: ["reports"] },
      limit: { usd: "20.00" },
      window: { calendar: "Day" },
      alerts: [50, 80, 95].map((atPercent) => ({ atPercent, webhook })),
    },
  });
  const limitNanoUsd = 20_000_000_000n;
  const told = () => receiver.received.map(({ body }) => JSON.parse(body));
  const night = await runNight({
    ...{ installation, budget: "reports-daily", limitNanoUsd, maxTokens: 8_000 },
    async look(refused) {
      // Nobody is refused before all have been told: each threshold within the minute in which it was crossed.
      const spent = (await jobAccount(installation, "reports-daily"))?.spent ?? 0n;
      const crossed = [50, 80, 95].filter((percent) => spent * 100n >= limitNanoUsd * BigInt(percent));
      await eventually(`alerts ${crossed}`, () => told().length === crossed.length);
      if (refused > 0) expect(crossed).toEqual([50, 80, 95]);
    },
  });

  // 0.48 dollars at worst are reserved for each call: what is left at the end is less.
  const bill = billNanoUsd(installation.simulator.bill().filter(({ model }) => model === dearModel));
  expect(bill).toBeGreaterThan(19_500_000_000n);
  expect(night.others).toBe(240);
  checkRefusals(night);
  expect(told()).toMatchObject([
    { type: "budget.threshold", budget: { name: "reports-daily" }, atPercent: 50, unit: "USD", limit: "20.00" },
    { atPercent: 80 },
    { atPercent: 95 },
  ]);
  expect(await crossings("reports-daily")).toEqual([50, 80, 95]);
  await checkSpend(bill);
  expect(installation.errors).toEqual([]);
});

test("on an untouched install no service spends more than 50 dollars a day", { timeout: nightMs }, async () => {
  installation = await startInstallation({
    behaviour: ({ body }) => (body.includes(`"${dearModel}"`) ? { tokens: 23_000 } : undefined),
    sample: true,
  });
  const limitNanoUsd = 50_000_000_000n;
  const night = await runNight({
    ...{ installation, budget: "default-daily", limitNanoUsd },
    async look(refused) {
      const spent = (await jobAccount(installation, "default-daily"))?.spent ?? 0n;
      const crossed = [50, 80, 95].filter((percent) => spent * 100n >= limitNanoUsd * BigInt(percent));
      await eventually(`alerts ${crossed}`, async () => `${await crossings("default-daily")}` === `${crossed}`);
      // A call of this model may cost 6 dollars: that much is kept back, so the last threshold is never reached.
      if (refused > 0) expect(crossed).toEqual([50, 80]);
    },
  });

  const bill = billNanoUsd(installation.simulator.bill().filter(({ model }) => model === dearModel));
  expect(bill).toBeGreaterThan(43_000_000_000n);
  expect(night.others).toBe(240);
  checkRefusals(night);
  await checkSpend(bill);
  expect(installation.errors).toEqual([]);
});

/** As the vendor's own client tells it: its class for rate limits, the word and the time to come again, and no try in vain. */
function checkRefusals({ served, errors, refusedAtMs, requests }: Night): void {
  expect(served + errors.length).toBe(240);
  expect(errors.length).toBeGreaterThan(100);
  expect(requests).toBe(240);
  for (const [index, error] of errors.entries()) {
    if (!(error instanceof OpenAI.RateLimitError)) throw error;
    expect(error).toMatchObject({ status: 429, code: "budget_exhausted" });
    expect(error.headers.get("x-should-retry")).toBe("false");
    // The clock may have been moved on while a message was on its way; `windows.test.ts` is exact.
    const turnsInSeconds = (Math.ceil(tuesdayMs / 86_400_000) * 86_400_000 - (refusedAtMs[index] ?? 0)) / 1_000;
    expect(Math.abs(Number(error.headers.get("retry-after")) - turnsInSeconds)).toBeLessThan(180);
  }
}

/** Of the events that people see, oldest first. */
async function crossings(budget: string): Promise<number[]> {
  const path = `/admin/v1/events?kind=Budget&name=${budget}`;
  const { items } = await installation.call<{ items: { reason: string; message: string }[] }>("GET", path);
  const crossed = items.filter(({ reason }) => reason === "ThresholdCrossed");
  return crossed.map(({ message }) => Number(/past (\d+) %/.exec(message)?.[1])).reverse();
}

/** `sluice spend` against the vendor's bill: each service's row, and the total, to the nano-dollar. */
async function checkSpend(jobNanoUsd: bigint): Promise<void> {
  const { admin, simulator, store } = installation;
  const entries = simulator.bill();
  await eventually("a record of each call", async () => {
    const groups = await store.spend({ by: [], sinceMs: tuesdayMs, untilMs: installation.clock.wallMs() + 1 });
    return groups[0]?.calls === 480n ? true : `${groups[0]?.calls} records`;
  });
  const main = join(import.meta.dirname, "../../packages/cli/src/main.ts");
  const words = ["spend", "--by", "service", "--since", "2026-01-06", "--until", "2026-01-07", "-o", "json"];
  const env = { PATH: process.env.PATH ?? "", SLUICE_SERVER: admin.url, SLUICE_TOKEN: admin.token };
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...words], { env });
  const report = JSON.parse(stdout);
  const rows = new Map<string, bigint>(
    report.rows.map((row: { group: { service: string }; costUsd: string }) => [
      row.group.service,
      nanoUsd(row.costUsd),
    ]),
  );
  expect([...rows.keys()].sort()).toEqual(["classify", "reports", "search", "support"]);
  expect(rows.get("reports")).toBe(jobNanoUsd);
  expect(nanoUsd(report.total.costUsd)).toBe(billNanoUsd(entries));
  expect([...rows.values()].reduce((sum, row) => sum + row)).toBe(billNanoUsd(entries));
  expect(report.total).toMatchObject({ calls: "480", heldUsd: "0.00" });

  const serviceOf = new Map<string, string>();
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await store.listCorrectedUsage({ limit: 100, ...(cursor !== undefined && { cursor }) });
    for (const { event } of page.items) serviceOf.set(event.upstreamRequestId ?? "", event.service ?? "");
    cursor = page.cursor;
  }
  const billed = new Map<string, bigint>();
  for (const entry of entries) {
    const service = serviceOf.get(entry.requestId) ?? "(no record)";
    billed.set(service, (billed.get(service) ?? 0n) + entryNanoUsd(entry));
  }
  expect(billed).toEqual(rows);
}
