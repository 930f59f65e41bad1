/** What a call costs and what its accounts are charged, by how it ended: compared with the vendors' own bill. */

import { expect, test } from "vitest";
import { limitPlan } from "./gateway.ts";
import { costOf, startLimited, tokensOf } from "./limited.ts";

const budget = limitPlan("dollars", [{ unit: "nanoUsd", amount: "5000000000" }]);
const tokens = limitPlan("tokens", [{ unit: "tokens", amount: "1000000" }]);

test.for([
  ["a chat completion in one piece", "chat", {}],
  ["a streamed chat completion whose caller wants no usage", "chat", { stream: true }],
  ["a streamed one whose caller wants it", "chat", { stream: true, stream_options: { include_usage: true } }],
  ["thought and cached input", "chat", { model: "gpt-4o@reasoning-40@cached-3" }],
  ["two answers at once", "chat", { n: 2 }],
  ["a usage that is told twice", "chat", { model: "gpt-4o@usage-twice", stream: true }],
  ["a completion", "complete", {}],
  ["a message in one piece", "message", {}],
  ["a streamed message", "message", { stream: true }],
  [
    "web searches of the vendor",
    "message",
    {
      model: "claude-sonnet-4-5@searches-2",
      tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }],
    },
  ],
] as const)("%s is charged what the vendor bills, on record and accounts", async ([, operation, fields]) => {
  await using limited = await startLimited({ limits: [budget, tokens] });
  const answer = await limited[operation](fields);
  expect(answer.status).toBe(200);
  await answer.text();
  const event = await limited.event();
  const [entry] = limited.simulator.bill();
  if (entry === undefined) throw new Error("the vendor has billed nothing");
  expect(event.costNanoUsd).toBe(Number(costOf(entry)));
  expect(event).not.toHaveProperty("heldNanoUsd");
  expect(event).not.toHaveProperty("billingReason");
  expect(await limited.spent("dollars")).toBe(costOf(entry));
  expect(await limited.spent("tokens")).toBe(BigInt(tokensOf(entry)));
  expect(event.charges).toEqual([
    ["0@dollars/nanoUsd", Number(costOf(entry))],
    ["0@tokens/tokens", tokensOf(entry)],
  ]);
});
