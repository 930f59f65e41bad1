import type { StopPlan } from "@sluice/contract";
import { expect, test } from "vitest";
import type { CallFacts } from "./limit-table.ts";
import { StopTable } from "./stop-table.ts";

const call: CallFacts = {
  caller: {
    ...{ id: "ai/web", namespace: "ai", state: "Active", team: "search", service: "web", user: "ada" },
    metadata: {},
  },
  ...{ model: "gpt-4o", modelAccount: "gpt-*", provider: "ai/openai", route: "ai/chat" },
  ...{ claimedUser: "grace", claimedMetadata: undefined },
};

test.for([
  ["Team", "search", true],
  ["Service", "web", true],
  ["User", "ada", true],
  ["User", "grace", false],
  ["Key", "ai/web", true],
  ["Key", "web", false],
  ["Model", "gpt-4o", true],
  ["Model", "gpt-*", false],
  ["Provider", "ai/openai", true],
  ["Team", "web", false],
] as const)("a stop of %s %s: %s", ([dimension, value, expected]) => {
  const stop: StopPlan = { dimension, value, reason: "a loop" };
  expect(new StopTable([stop]).find(call, 1_000)).toBe(expected ? stop : undefined);
});

test("a claimed user is stopped where the key has none", () => {
  const stop: StopPlan = { dimension: "User", value: "grace", reason: "a loop" };
  const anonymous = { ...call, caller: { ...call.caller, user: undefined } };
  expect(new StopTable([stop]).find(anonymous, 0)).toBe(stop);
});

test("a stop ends at its time, and another one goes on", () => {
  const table = new StopTable([
    { dimension: "Team", value: "search", untilMs: 1_000, reason: "first" },
    { dimension: "Service", value: "web", untilMs: 2_000, reason: "second" },
  ]);
  expect([999, 1_000, 1_999, 2_000].map((nowMs) => table.find(call, nowMs)?.reason)).toEqual([
    ...["first", "second", "second", undefined],
  ]);
});
