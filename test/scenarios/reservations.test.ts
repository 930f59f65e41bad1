/**
 * Calls that say nothing of how long an answer they want: the worst case is reserved for each, which is many times what it costs.
 * They wait for each other; only where answers take longer than callers may wait is somebody sent away, to come again.
 */

import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { accountsOf } from "./accounts.ts";
import { billNanoUsd } from "./bill.ts";
import { eventually } from "./eventually.ts";
import { type Installation, startInstallation } from "./installation.ts";

let installation: Installation;
afterEach(() => installation[Symbol.asyncDispose]());

const limitNanoUsd = 5_000_000_000n;

async function start(spec: Record<string, unknown>, knobs: { tokens: number; latency: number }): Promise<OpenAI> {
  installation = await startInstallation({ behaviour: () => knobs });
  await installation.apply({
    kind: "Budget",
    metadata: { name: "five-dollars" },
    spec: { limit: { usd: "5.00" }, ...spec },
  });
  return installation.client(await installation.issue("app", { team: "apps" }));
}

function callAtOnce(client: OpenAI, model: string, calls: number): Promise<unknown[]> {
  const asked = Array.from({ length: calls }, (_, index) =>
    client.chat.completions.create({ model, messages: [{ role: "user", content: `Question ${index}` }] }).then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  return Promise.all(asked);
}

// How many fit at once: by the longest answer of the model in its dearest service tier.
test.for([
  ["gpt-4", "19", 160, {}],
  ["gpt-5", "1", 950, { maxWait: "60s" }],
] as const)("32 calls at once to %s, of which %s fits at a time, are all answered", async ([model, , tokens, spec]) => {
  const client = await start(spec, { tokens, latency: 100 });
  expect(await callAtOnce(client, model, 32)).toEqual(Array.from({ length: 32 }, () => undefined));

  const bill = billNanoUsd(installation.simulator.bill());
  expect(bill).toBeLessThanOrEqual(limitNanoUsd);
  expect(bill).toBeGreaterThan(32n * 9_000_000n);
  await eventually("an account that agrees with the bill", async () => {
    const [account] = await accountsOf(installation, "five-dollars");
    return account?.spent === bill ? true : `${account?.spent}, not ${bill}`;
  });
  expect(installation.errors).toEqual([]);
});

test("where answers take longer than callers wait, the surplus is told to come again soon", async () => {
  const client = await start({ maxWait: "300ms" }, { tokens: 160, latency: 2_500 });
  const outcomes = await callAtOnce(client.withOptions({ maxRetries: 0 }), "gpt-4", 32);
  const refused = outcomes.filter((outcome) => outcome !== undefined);
  expect(refused.length).toBeGreaterThanOrEqual(32 - 19);
  expect(refused.length).toBeLessThan(32);
  for (const error of refused) {
    if (!(error instanceof OpenAI.RateLimitError)) throw error;
    expect(error).toMatchObject({ status: 429, code: "budget_reserved" });
    // Nothing keeps an unmodified client from trying again.
    expect(error.headers.get("x-should-retry")).not.toBe("false");
    const retryAfterSeconds = Number(error.headers.get("retry-after"));
    expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
    expect(retryAfterSeconds).toBeLessThanOrEqual(5);
    expect(error.message).toContain("Budget default/five-dollars");
  }
  expect(billNanoUsd(installation.simulator.bill())).toBeLessThanOrEqual(limitNanoUsd);
  // They were right to: what was reserved is there again.
  expect(await callAtOnce(client, "gpt-4", 1)).toEqual([undefined]);
  expect(installation.errors).toEqual([]);
});
