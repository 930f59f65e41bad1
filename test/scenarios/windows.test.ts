/** The turn of a window while two data planes serve: what was spent stays behind, whatever was under way. */

import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accountsOf } from "./accounts.ts";
import { billNanoUsd } from "./bill.ts";
import { eventually } from "./eventually.ts";
import { type Installation, startInstallation } from "./installation.ts";
import { outcomeOf } from "./outcome.ts";

const planes = 2;
const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 0, 6, 1, 0);

let installation: Installation;
beforeAll(async () => {
  installation = await startInstallation({
    ...{ planes, startMs },
    behaviour: ({ body }) => (body.includes('"stream":true') ? { tokens: 100, "gap-ms": 10 } : { tokens: 1_000 }),
  });
});
afterAll(() => installation[Symbol.asyncDispose]());

const windowAt = (ms: number) => Math.floor(ms / hourMs) * hourMs;

/** To so many milliseconds before the next full hour. */
function goTo(beforeTurnMs: number): void {
  const { clock } = installation;
  clock.advance(hourMs - (clock.wallMs() % hourMs) - beforeTurnMs);
}

async function onEachPlane(key: string, options: Parameters<typeof outcomeOf>[1] = {}): Promise<string[]> {
  const words: string[] = [];
  for (let plane = 0; plane < planes; plane++)
    words.push(await outcomeOf(installation.client(key, { plane }), options));
  return words;
}

test("a stream that is under way at the turn is charged to the window that admitted it", async () => {
  const { clock, simulator } = installation;
  await installation.apply({
    kind: "Budget",
    metadata: { name: "streams" },
    spec: { selector: { services: ["streams"] }, limit: { usd: "1.00" }, window: { calendar: "Hour" } },
  });
  const client = installation.client(await installation.issue("streams", { service: "streams" }));
  goTo(5_000);
  const before = windowAt(clock.wallMs());
  const stream = await client.chat.completions.create({
    model: "gpt-4o",
    stream: true,
    max_completion_tokens: 200,
    messages: [{ role: "user", content: "Tell me until the hour is over" }],
  });
  let events = 0;
  for await (const _ of stream) if (++events === 20) clock.advance(10_000);
  expect(windowAt(clock.wallMs())).toBe(before + hourMs);
  const ofStream = billNanoUsd(simulator.bill());
  expect(await outcomeOf(client)).toBe("served");
  const ofCall = billNanoUsd(simulator.bill()) - ofStream;
  clock.advance(6_000);
  await eventually("both windows' accounts to agree with the bill", async () => {
    const accounts = await accountsOf(installation, "streams");
    const spent = (window: number) => accounts.find((account) => account.window === window)?.spent;
    const found = [spent(before), spent(before + hourMs)];
    return `${found}` === `${[ofStream, ofCall]}` ? true : `${found}, not ${[ofStream, ofCall]}`;
  });
});

test("the turn opens every kind of account again, on every data plane", async () => {
  const headers = { "x-sluice-run": "run-1" };
  const kinds = ["Team", "Service", "User", "Key", "Metadata/run"];
  const selector = { services: ["hourly"] };
  // What is claimed needs a limit around it.
  const budgets = [undefined, ...kinds].map((per) => ({
    kind: "Budget",
    metadata: { name: `hourly-${per?.toLowerCase().replace("/", "-") ?? "all"}` },
    spec: {
      ...{ selector, maxWait: "0s", window: { calendar: "Hour" } },
      ...(per === undefined ? { limit: { usd: "5.00" } } : { per: [per], limit: { usd: "0.08" } }),
    },
  }));
  await installation.apply(...budgets);
  const key = await installation.issue("hourly", { service: "hourly", team: "teams", user: "ada" });
  goTo(600_000);
  for (let hour = 0; hour < 2; hour++) {
    expect(await onEachPlane(key, { headers })).toEqual(["served", "served"]);
    await eventually("a refusal on each data plane", async () => {
      installation.clock.advance(2_000);
      const words = await onEachPlane(key, { headers });
      return words.every((word) => word === "budget_exhausted") ? true : `${words}`;
    });
    goTo(0);
    installation.clock.advance(1_000);
  }
  expect(await onEachPlane(key, { headers })).toEqual(["served", "served"]);
  expect(installation.errors).toEqual([]);
});

test("a refusal tells to the second when the window turns, and which limit it was", async () => {
  const { clock } = installation;
  await installation.apply({
    kind: "Budget",
    metadata: { name: "told" },
    spec: { selector: { services: ["told"] }, per: ["Key"], limit: { usd: "0" }, window: { calendar: "Hour" } },
  });
  const client = installation.client(await installation.issue("told", { service: "told" }), { maxRetries: 0 });
  goTo(90_000);
  const ask = { model: "gpt-4o", messages: [{ role: "user" as const, content: "Hello" }] };
  const error = await client.chat.completions.create(ask).catch((caught: unknown) => caught);
  if (!(error instanceof OpenAI.RateLimitError)) throw error;
  const turnsAt = new Date(windowAt(clock.wallMs()) + hourMs).toISOString().replace(".000", "");
  expect(error.message).toContain("Budget default/told (Key=default/told)");
  expect(error.message).toContain(turnsAt);
  const retryAfterSeconds = Number(error.headers.get("retry-after"));
  expect(retryAfterSeconds).toBeLessThanOrEqual(90);
  expect(retryAfterSeconds).toBeGreaterThan(80);
});
