import { type UsageEvent, usageEvent } from "@sluice/contract";
import { expect, test } from "vitest";
import { addCharge, addToAccount, billMembers, newBill } from "./bill.ts";
import type { Charge } from "./charge.ts";

function charged(cost: bigint | undefined, reason: Charge["reason"], held = 0n): Charge {
  const estimated = reason !== undefined && reason !== "NotBilled" && reason !== "Overrun" && reason !== "Unpriced";
  return { costNanoUsd: cost, tokens: 1, heldNanoUsd: held, heldTokens: 0, estimated, reason };
}
const free = charged(0n, "NotBilled");
const good = charged(5n, undefined);
const cut = charged(3n, "Cut", 7n);

test.for([
  ["one good attempt", [good], { costNanoUsd: 5 }],
  ["one that was not billed", [free], { costNanoUsd: 0, billingReason: "NotBilled" }],
  ["not billed, then good", [free, free, good], { costNanoUsd: 5 }],
  ["good, then not billed", [good, free], { costNanoUsd: 5 }],
  ["cut, then good", [cut, good], { costNanoUsd: 8, heldNanoUsd: 7, estimated: true, billingReason: "Cut" }],
  ["cut, then not billed", [cut, free], { costNanoUsd: 3, heldNanoUsd: 7, estimated: true, billingReason: "Cut" }],
  [
    "cut, then timed out",
    [cut, charged(1n, "TimedOut", 9n)],
    { costNanoUsd: 4, heldNanoUsd: 16, estimated: true, billingReason: "TimedOut" },
  ],
  ["without a price", [charged(undefined, "Unpriced")], { billingReason: "Unpriced" }],
  [
    "without a price, then with one",
    [charged(undefined, "Unpriced"), good],
    { costNanoUsd: 5, billingReason: "Unpriced" },
  ],
] as const)("%s", ([, charges, expected]) => {
  const bill = newBill();
  for (const charge of charges) addCharge(bill, charge, undefined);
  expect(JSON.parse(`{"x":1${billMembers(bill)}}`)).toEqual({ x: 1, ...expected });
});

test("accounts add up over attempts, and the price is that of the last attempt which had one", () => {
  const bill = newBill();
  addCharge(bill, cut, "first");
  addToAccount(bill, "0@a/usd", 10);
  addCharge(bill, good, "second");
  addToAccount(bill, "0@a/usd", 5);
  addToAccount(bill, '0@"/usd', 1);
  addCharge(bill, free, undefined);
  const members = JSON.parse(`{"x":1${billMembers(bill)}}`);
  expect(members.charges).toEqual([
    ["0@a/usd", 15],
    ['0@"/usd', 1],
  ]);
  expect(members.price).toBe("second");
});

test("what a bill says is valid in a usage event", () => {
  const bill = newBill();
  addCharge(bill, cut, 'a "quoted" price');
  addToAccount(bill, "0@a/usd", 10);
  const event: Partial<UsageEvent> = {
    ...{ instance: "i", seq: 1, requestId: "r", startedAtMs: 1, durationMs: 1, outcome: "Served", status: 200 },
    ...{ protocol: "openai", operation: "chat.completions", stream: false, attempts: 1, requestBytes: 1 },
    responseBytes: 1,
  };
  const text = `${JSON.stringify(event).slice(0, -1)}${billMembers(bill)}}`;
  expect(usageEvent.safeParse(JSON.parse(text)).success).toBe(true);
});
