/** A call of several attempts: each reserves and is charged by itself, the exchange has one record of all. */

import type { Knobs } from "@sluice/simulators";
import { expect, test } from "vitest";
import { limitPlan, type TestGateway } from "./gateway.ts";
import { refusalOf, startLimited } from "./limited.ts";

const budget = limitPlan("dollars", [{ unit: "nanoUsd", amount: "5000000000" }]);
const slots = limitPlan("slots", [{ name: "concurrent", unit: "slots", amount: "1", window: { kind: "share" } }]);
const calls = limitPlan("calls", [{ unit: "requests", amount: "100" }]);
const retry = { attempts: 2, on: ["ConnectFailure", "Timeout", "RateLimited", "ServerError"] as const };

test("the cost of a call is the sum over its attempts, the charge of each by how it ended", async () => {
  await using limited = await startLimited({
    limits: [budget, calls],
    route: { retry: { ...retry, on: [...retry.on] } },
    behaviour: () => ({ times: 2, "truncate-json": true }),
  });
  const answer = await limited.chat({ max_tokens: 100 });
  expect(answer.status).toBe(200);
  await answer.text();
  const event = await limited.event();
  expect(event).toMatchObject({ attempts: 3, estimated: true, billingReason: "Cut", outcome: "Served" });
  const charged = BigInt(event.costNanoUsd ?? 0) + BigInt(event.heldNanoUsd ?? 0);
  expect(limited.simulator.bill()).toHaveLength(3);
  expect(charged >= limited.billed()).toBe(true);
  expect(await limited.spent("dollars")).toBe(charged);
  expect(await limited.spent("calls")).toBe(1n);
  expect(event.charges).toEqual([
    ["0@dollars/nanoUsd", Number(charged)],
    ["0@calls/requests", 1],
  ]);
});

test("an attempt that was not billed adds nothing, and its reservation goes back before the next", async () => {
  await using limited = await startLimited({
    // Room for one attempt at its worst.
    limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: "3000000" }])],
    route: { retry: { attempts: 2, on: ["ServerError"] } },
    behaviour: () => ({ times: 2, status: 503 }),
  });
  const answer = await limited.chat({ max_tokens: 100 });
  expect(answer.status).toBe(200);
  await answer.text();
  const event = await limited.event();
  expect(event).toMatchObject({ attempts: 3, costNanoUsd: Number(limited.billed()) });
  expect(event).not.toHaveProperty("estimated");
  expect(await limited.spent("dollars")).toBe(limited.billed());
});

test("what leaves no room for another attempt is answered by what the provider said", async () => {
  await using limited = await startLimited({
    limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: "3000000" }])],
    route: { retry: { attempts: 2, on: ["ServerError"] } },
    behaviour: () => ({ "truncate-json": true }),
  });
  const answer = await limited.chat({ max_tokens: 200 });
  expect(await refusalOf(answer)).toMatchObject({ status: 502, code: "upstream_malformed" });
  const event = await limited.event();
  expect(event).toMatchObject({ attempts: 1, billingReason: "Cut" });
  expect(await limited.spent("dollars")).toBe(BigInt((event.costNanoUsd ?? 0) + (event.heldNanoUsd ?? 0)));
});

test("a target without its credential takes nothing of any limit, and the next one no second slot", async () => {
  const { gateway, limited, ...rest } = await withMissingCredential();
  await using _ends = rest;
  for (let call = 1; call <= 3; call++) {
    const answer = await limited.chat({ max_tokens: 100 });
    expect(answer.status).toBe(200);
    await answer.text();
    expect(await limited.event(call)).toMatchObject({ attempts: 1, outcome: "Served" });
  }
  expect(gateway.record.of("slots").spent).toBe(0n);
  expect(await limited.spent("dollars")).toBe(limited.billed());
  expect(await limited.spent("calls")).toBe(3n);
});

test("what an attempt has cost is not charged again for one after it that was never sent", async () => {
  const { limited, ...rest } = await withMissingCredential({ isSecond: true, knobs: { "truncate-json": true } });
  await using _ends = rest;
  const answer = await limited.chat({ max_tokens: 100 });
  expect(await refusalOf(answer)).toMatchObject({ status: 502 });
  const event = await limited.event();
  const charged = BigInt(event.costNanoUsd ?? 0) + BigInt(event.heldNanoUsd ?? 0);
  expect(event).toMatchObject({ attempts: 1, billingReason: "Cut" });
  // One attempt's worst: 100 tokens of output and a question of some hundred bytes.
  expect(charged < 3_000_000n, String(charged)).toBe(true);
  expect(await limited.spent("dollars")).toBe(charged);
});

/** Two providers, one of which names a credential that nobody has. */
async function withMissingCredential(
  options: { isSecond?: boolean; knobs?: Knobs } = {},
): Promise<{ gateway: TestGateway; limited: Awaited<ReturnType<typeof startLimited>> } & AsyncDisposable> {
  const limited = await startLimited({
    limits: [budget, slots, calls],
    unauthorized: { name: "locked" },
    routes: [
      {
        models: ["*"],
        targets: [
          { provider: "locked", tier: options.isSecond ? 1 : 0 },
          { provider: "openai", tier: options.isSecond ? 0 : 1 },
        ],
        retry: { attempts: 1, on: ["ConnectFailure", "ServerError"] },
      },
    ],
    behaviour: () => options.knobs,
  });
  return { gateway: limited.gateway, limited, [Symbol.asyncDispose]: () => limited[Symbol.asyncDispose]() };
}

test("limits of a provider hold for calls that reach it after another one has failed", async () => {
  await using limited = await startLimited({
    limits: [
      limitPlan("first", [{ unit: "requests", amount: "100" }], { selector: { providers: ["default/locked"] } }),
      limitPlan("second", [{ unit: "requests", amount: "2" }], { selector: { providers: ["default/openai"] } }),
      limitPlan("each", [{ unit: "requests", amount: "100" }], { per: ["Provider"] }),
      calls,
    ],
    unauthorized: { name: "locked" },
    routes: [
      {
        models: ["*"],
        targets: [
          { provider: "locked", tier: 0 },
          { provider: "openai", tier: 1 },
        ],
        retry: { attempts: 1, on: ["ConnectFailure", "ServerError"] },
      },
    ],
  });
  const statuses: number[] = [];
  for (let call = 0; call < 4; call++) {
    const answer = await limited.chat();
    await answer.text();
    statuses.push(answer.status);
  }
  expect(statuses).toEqual([200, 200, 502, 502]);
  expect(limited.simulator.requests).toHaveLength(2);
  const [served] = await limited.gateway.usage(4);
  expect(served?.charges).toEqual([
    ["0@first/requests", 1],
    ["0@each/requests/default%2Flocked", 1],
    ["0@calls/requests", 1],
    ["0@second/requests", 1],
    ["0@each/requests/default%2Fopenai", 1],
  ]);
  expect(await limited.spent("second")).toBe(2n);
  expect(await limited.spent("calls")).toBe(4n);
  expect(await limited.spent("each")).toBe(6n);
});
