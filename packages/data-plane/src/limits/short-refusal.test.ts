import type { LimitRule } from "@sluice/contract";
import { expect, test } from "vitest";
import { limitPlan } from "../../test/gateway.ts";
import { refusalText } from "../refusal.ts";
import type { Short } from "./limit-desk.ts";
import { shortRefusal } from "./short-refusal.ts";

const minute = { kind: "tumbling", ms: 60_000 } as const;
const usd = { name: "usd", unit: "nanoUsd", amount: "20000000000", window: minute } as const;
const calls = { name: "requests-60s", unit: "requests", amount: "10", window: minute } as const;

function short(rule: LimitRule, rest: Partial<Short> = {}, per: string[] = []): Short {
  const plan = limitPlan(rule.unit === "nanoUsd" ? "team" : "rate", [rule], {
    ...{ per, kind: rule.unit === "nanoUsd" ? "Budget" : "RateLimit" },
  });
  const family = { limit: plan.uid, rule: rule.name, values: per.map((dimension) => `a ${dimension}`) };
  return {
    ...{ kind: "short", of: { plan, rule, family, key: "key" }, shortage: "Exhausted", amount: 1, roomAmount: 0 },
    standing: { amount: Number(rule.amount), spent: 9, remaining: 1, reserved: 0, endsInMs: 41_200 },
    ...{ retryAfterMs: undefined, nowWallMs: Date.UTC(2026, 10, 24, 12, 0, 0), ...rest },
  };
}
const standing = { amount: 2e10, spent: 19_999_000_000, remaining: 1e6, reserved: 250_000, endsInMs: 41_200 };

test.for<[string, Short, number | undefined, unknown[]]>([
  [
    "an exhausted budget",
    short(usd, { amount: 3_000_000, standing }, ["Service", "User"]),
    undefined,
    [
      ...["budget_exhausted", 429, "false", "42"],
      "Budget default/team (Service=a Service, User=a User) has too little left for this call: $19.999 spent and $0.00025 " +
        "reserved of $20.00, this call may need $0.003. It resets at 2026-11-24T12:00:41Z.",
    ],
  ],
  [
    "an exhausted budget in which a shorter answer fits",
    short(usd, { amount: 3_000_000, standing: { ...standing, endsInMs: null } }),
    80,
    [
      ...["budget_exhausted", 429, "false", undefined],
      "Budget default/team has too little left for this call: $19.999 spent and $0.00025 reserved of $20.00, this call may " +
        "need $0.003. A max_tokens of 80 would fit.",
    ],
  ],
  [
    "a budget that calls in flight hold",
    short(usd, { shortage: "Reserved", amount: 3_000_000, standing }),
    undefined,
    [
      ...["budget_reserved", 429, undefined, "2"],
      "Budget default/team has no room just now, calls in flight hold it: $19.999 spent and $0.00025 reserved of $20.00, this " +
        "call may need $0.003. It fits once they settle. It resets at 2026-11-24T12:00:41Z.",
    ],
  ],
  [
    "a rate of calls, until its window turns",
    short(calls),
    undefined,
    [
      ...["rate_limited", 429, undefined, "42"],
      "RateLimit default/rate is reached: 9 requests spent and 0 requests reserved of 10 requests. It resets at " +
        "2026-11-24T12:00:41Z.",
    ],
  ],
  [
    "a rate that calls in flight hold",
    short(calls, { shortage: "Reserved" }),
    undefined,
    ["rate_limited", 429, undefined, "2"],
  ],
  [
    "a rate that is smaller than the call",
    short({ ...calls, unit: "tokens", name: "tokens-60s" }, { amount: 11 }),
    undefined,
    ["rate_limited", 429, "false", undefined],
  ],
  [
    "a short rate",
    short({ ...calls, window: { kind: "share", ms: 1_000 } }, { shortage: "Reserved" }),
    undefined,
    ["rate_limited", 429, undefined, "1"],
  ],
  [
    "slots",
    short({ ...calls, unit: "slots", name: "concurrent", window: { kind: "share" } }, { shortage: "Reserved" }),
    undefined,
    ["concurrency_limited", 429, undefined, "1", "RateLimit default/rate is reached: 10 calls at once."],
  ],
  [
    "a record that does not answer",
    short(usd, { shortage: "Unavailable", standing: undefined }),
    undefined,
    [
      ...["limit_unavailable", 503, undefined, "2"],
      "What is left of the limit is not known: the control plane does not answer, and what it had granted is spent.",
    ],
  ],
])("%s", ([, found, fits, [code, status, shouldRetry, retryAfter, message]]) => {
  const refusal = shortRefusal(found, fits);
  const text = refusalText(refusal);
  const { headers = {} } = text;
  expect([refusal.code, text.status, headers["x-should-retry"], headers["retry-after"]]).toEqual([
    ...[code, status, shouldRetry, retryAfter],
  ]);
  if (message !== undefined) expect(text.message).toBe(message);
  expect(text.object).toBe(found.of.plan.kind === "Budget" ? "Budget default/team" : "RateLimit default/rate");
});
