import { costNanoUsd, type Usage } from "@sluice/metering";
import fc from "fast-check";
import { expect, test } from "vitest";
import { pricePlan } from "../../test/gateway.ts";
import { type AttemptEnd, chargeOf, type Priced, type Worst } from "./charge.ts";

/** $1 and $10 a million: 1 and 10 µ$ a token. */
const price = pricePlan(1, 10);
const tiered = pricePlan(1, 10, { serviceTiers: { priority: 2_000 } });
const worst: Worst = {
  ...{ nanoUsd: 2_000_000n, inputTokens: 1_000, outputTokens: 100, hasVendorTools: false, serviceTier: undefined },
};
const call: Priced = { price, worst, requestBytes: 350 };
const none: Usage = {
  ...{ input: 0, inputAudio: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheWriteOther: 0 },
  ...{ output: 0, outputReasoning: 0, outputAudio: 0 },
};
const usage = { ...none, input: 100, output: 20 };

function told(usage: Usage, serviceTier?: string): AttemptEnd {
  return { kind: "Usage", usage, serviceTier };
}
function unknown(usage?: Usage, outputTextBytes = 0, reason: "Cut" | "UsageInconsistent" = "Cut"): AttemptEnd {
  return { kind: "Unknown", reason, usage, outputTextBytes };
}

type Figures = { cost: bigint | undefined; held?: bigint; tokens: number; heldTokens?: number; reason?: string };

test.for<[string, AttemptEnd, Partial<Priced>, Figures]>([
  ["not billed: nothing", { kind: "NotBilled" }, {}, { cost: 0n, tokens: 0, reason: "NotBilled" }],
  ["told: its cost", told(usage), {}, { cost: 300_000n, tokens: 120 }],
  [
    "told with a service tier: at that tier",
    told(usage, "priority"),
    { price: tiered },
    { cost: 600_000n, tokens: 120 },
  ],
  ["told, without a price", told(usage), { price: undefined }, { cost: undefined, tokens: 120, reason: "Unpriced" }],
  ["told, without a bound", told(usage), { worst: undefined }, { cost: 300_000n, tokens: 120 }],
  [
    "told, of more money than the bound: all of it",
    told({ ...none, input: 100, output: 200 }),
    {},
    { cost: 2_100_000n, tokens: 300, reason: "Overrun" },
  ],
  [
    "told, of more tokens than the bound: all of them",
    told({ ...none, input: 1_200 }),
    {},
    { cost: 1_200_000n, tokens: 1_200, reason: "Overrun" },
  ],
  // 350 bytes are about 100 tokens.
  [
    "nothing heard: an estimate of the input, the rest is held",
    unknown(),
    {},
    { cost: 100_000n, held: 1_900_000n, tokens: 100, heldTokens: 1_000, reason: "Cut" },
  ],
  [
    "text that came is in the estimate",
    unknown(undefined, 70),
    {},
    { cost: 300_000n, held: 1_700_000n, tokens: 120, heldTokens: 980, reason: "Cut" },
  ],
  [
    "an estimate is never more than the bound",
    unknown(undefined, 70_000),
    { requestBytes: 7_000_000 },
    { cost: 2_000_000n, held: 0n, tokens: 1_100, heldTokens: 0, reason: "Cut" },
  ],
  // The vendor has told the input: only the output is open.
  [
    "the input was told: it is exact, and only output is held",
    unknown({ ...none, input: 300, output: 5 }, 0),
    {},
    { cost: 350_000n, held: 950_000n, tokens: 305, heldTokens: 95, reason: "Cut" },
  ],
  [
    "cached input that was told has its own price",
    unknown({ ...none, cacheRead: 300 }),
    {},
    { cost: 30_000n, held: 1_000_000n, tokens: 300, heldTokens: 100, reason: "Cut" },
  ],
  [
    "the input was told, but tools of the vendor may read it again",
    unknown({ ...none, input: 300, output: 5 }),
    { worst: { ...worst, hasVendorTools: true } },
    { cost: 350_000n, held: 1_650_000n, tokens: 305, heldTokens: 795, reason: "Cut" },
  ],
  [
    "the input was told, at the dearest tier that was asked for",
    unknown({ ...none, input: 300 }),
    { price: tiered, worst: { ...worst, nanoUsd: 9_000_000n, serviceTier: "priority" } },
    { cost: 300_000n, held: 2_300_000n, tokens: 300, heldTokens: 100, reason: "Cut" },
  ],
  [
    "what can't be is no proof of the input",
    unknown({ ...none, input: 1, output: 5 }, 0, "UsageInconsistent"),
    {},
    { cost: 150_000n, held: 1_850_000n, tokens: 105, heldTokens: 995, reason: "UsageInconsistent" },
  ],
  [
    "what can't be is bounded",
    unknown({ ...none, input: 1, output: 1e9 }, 0, "UsageInconsistent"),
    {},
    { cost: 1_100_000n, held: 900_000n, tokens: 200, heldTokens: 900, reason: "UsageInconsistent" },
  ],
  [
    "nothing heard, without a price",
    unknown(),
    { price: undefined, worst: { ...worst, nanoUsd: undefined } },
    { cost: undefined, tokens: 100, heldTokens: 1_000, reason: "Cut" },
  ],
  [
    "nothing heard, without a bound: an estimate, nothing held",
    unknown(),
    { worst: undefined },
    { cost: 100_000n, tokens: 100, reason: "Cut" },
  ],
])("%s", ([, end, priced, { cost, held = 0n, tokens, heldTokens = 0, reason }]) => {
  expect(chargeOf(end, { ...call, ...priced })).toEqual({
    ...{ costNanoUsd: cost, heldNanoUsd: held, tokens, heldTokens, reason },
    estimated: end.kind === "Unknown",
  });
});

test("whatever was heard of a call that broke off, it is charged at most its bound and at least what was proven", () => {
  const count = fc.nat(5_000);
  const some = fc.record({
    input: count,
    cacheRead: count,
    cacheWrite5m: count,
    output: count,
    outputReasoning: count,
  });
  fc.assert(
    fc.property(
      fc.option(some, { nil: undefined }),
      fc.nat(100_000),
      fc.boolean(),
      (part, textBytes, hasVendorTools) => {
        const heard = part && { ...none, ...part };
        // A bound that holds for what was heard, as bounds do.
        const bound: Worst = {
          ...{ nanoUsd: costNanoUsd({ ...none, input: 20_000, output: 20_000 }, price), hasVendorTools },
          ...{ inputTokens: 20_000, outputTokens: 20_000, serviceTier: undefined },
        };
        const charge = chargeOf(unknown(heard, textBytes), { price, worst: bound, requestBytes: 100 });
        const charged = (charge.costNanoUsd ?? 0n) + charge.heldNanoUsd;
        expect(charged <= (bound.nanoUsd ?? 0n)).toBe(true);
        expect(charge.tokens + charge.heldTokens).toBeLessThanOrEqual(40_000);
        expect(charged >= (heard === undefined ? 0n : costNanoUsd(heard, price))).toBe(true);
        // Tools of the vendor, or silence: all of the bound.
        if (hasVendorTools || heard === undefined) expect(charged).toBe(bound.nanoUsd);
      },
    ),
  );
});
