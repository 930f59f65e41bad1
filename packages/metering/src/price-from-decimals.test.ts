import { expect, test } from "vitest";
import { costNanoUsd } from "./cost.ts";
import { discounted } from "./discounted.ts";
import type { Price } from "./price.ts";
import { type DecimalPrice, priceFromDecimals } from "./price-from-decimals.ts";

function priced(decimals: DecimalPrice, cacheWrites?: "AsInput" | "Anthropic"): Price {
  const price = priceFromDecimals(decimals, "test", cacheWrites);
  if ("problem" in price) throw new Error(`${price.field} ${price.problem}`);
  return price;
}

test("what a price leaves out costs the dearest that is sensible, never nothing", () => {
  expect(priced({ inputPerMillion: "0.20", outputPerMillion: "0.60" }).rates).toEqual({
    input: 200_000,
    inputAudio: 200_000,
    inputImage: 200_000,
    cacheRead: 200_000,
    cacheWrite5m: 200_000,
    cacheWrite1h: 200_000,
    cacheWriteOther: 200_000,
    output: 600_000,
    outputReasoning: 600_000,
    outputAudio: 600_000,
    outputImage: 600_000,
  });
});

test("Anthropic's cache writes cost 1.25 and 2 times the input, another life the dearer of them", () => {
  const { rates } = priced({ inputPerMillion: "3", outputPerMillion: "15" }, "Anthropic");
  expect([rates.cacheWrite5m, rates.cacheWrite1h, rates.cacheWriteOther]).toEqual([3_750_000, 6_000_000, 6_000_000]);
});

test("a price of zero that says so is zero throughout", () => {
  const price = priced({ inputPerMillion: "0", outputPerMillion: "0" }, "Anthropic");
  expect(new Set(Object.values(price.rates))).toEqual(new Set([0]));
});

test("what a price does say is taken as said", () => {
  const price = priced({
    inputPerMillion: "3",
    outputPerMillion: "15",
    inputAudioPerMillion: "40",
    inputImagePerMillion: "5",
    cacheReadPerMillion: "0.30",
    cacheWrite5mPerMillion: "3.75",
    cacheWrite1hPerMillion: "6",
    cacheWriteOtherPerMillion: "4",
    outputReasoningPerMillion: "16",
    outputAudioPerMillion: "80",
    outputImagePerMillion: "30",
    tiers: [{ aboveInputTokens: 200_000, inputPerMillion: "6", outputPerMillion: "22.5" }],
    serviceTiers: { priority: "1.7" },
    webSearchPerCall: "0.01",
  });
  expect(Object.values(price.rates)).toEqual([
    ...[3_000_000, 40_000_000, 5_000_000, 300_000, 3_750_000, 6_000_000, 4_000_000],
    ...[15_000_000, 16_000_000, 80_000_000, 30_000_000],
  ]);
  expect(price.tiers[0]?.aboveInputTokens).toBe(200_000);
  expect(price.tiers[0]?.rates.outputReasoning).toBe(24_000_000);
  expect(price.serviceTiers).toEqual({ priority: 1_700 });
  expect(price.perCall).toEqual({ webSearch: 10_000_000, webFetch: 0 });
});

test("what a tier leaves out rises as its input or output does", () => {
  const price = priced({
    inputPerMillion: "2",
    cacheWrite1hPerMillion: "5",
    outputPerMillion: "10",
    outputAudioPerMillion: "80",
    tiers: [{ aboveInputTokens: 272_000, inputPerMillion: "4", outputPerMillion: "15" }],
  });
  expect(price.tiers[0]?.rates).toMatchObject({
    cacheRead: 4_000_000,
    cacheWrite1h: 10_000_000,
    outputAudio: 120_000_000,
  });
});

test("an overridden price charges cached tokens once, as the built-in ones do", () => {
  const price = priced({ inputPerMillion: "2.50", cacheReadPerMillion: "1.25", outputPerMillion: "10" });
  // prompt_tokens 2006 of which 1920 cached, 300 out.
  expect(costNanoUsd({ input: 86, cacheRead: 1_920, output: 300 }, price)).toBe(5_615_000n);
});

const plain = { inputPerMillion: "1", outputPerMillion: "1" };
test.for([
  [{ ...plain, inputPerMillion: "-1" }, "inputPerMillion", "must be 0 or more"],
  [{ ...plain, outputPerMillion: "NaN" }, "outputPerMillion", "must be a decimal number"],
  [{ ...plain, cacheReadPerMillion: "0.0000001" }, "cacheReadPerMillion", "too many digits"],
  [{ ...plain, inputPerMillion: "9999999999" }, "inputPerMillion", "too large"],
  [{ ...plain, webSearchPerCall: "1e-2" }, "webSearchPerCall", "must be a decimal number"],
  [{ ...plain, webFetchPerCall: "99999999" }, "webFetchPerCall", "too large"],
  [{ ...plain, serviceTiers: { flex: "0.0001" } }, "serviceTiers.flex", "too many digits"],
  [
    { ...plain, tiers: [{ aboveInputTokens: 1, ...plain, outputPerMillion: "" }] },
    "tiers[0].outputPerMillion",
    "decimal",
  ],
  [{ ...plain, tiers: [{ aboveInputTokens: 0, ...plain }] }, "tiers[0].aboveInputTokens", "whole number"],
  [
    {
      ...plain,
      tiers: [
        { aboveInputTokens: 9, ...plain },
        { aboveInputTokens: 9, ...plain },
      ],
    },
    "tiers[1].aboveInputTokens",
    "above that of the tier before",
  ],
] as const satisfies [DecimalPrice, string, string][])("refused: %j", ([decimals, field, words]) => {
  const answer = priceFromDecimals(decimals, "test");
  expect(answer).toMatchObject({ field, problem: expect.stringContaining(words) });
});

test("a discount lowers every rate and fee, rounded up, and is told by the version", () => {
  const price = priced({
    ...plain,
    inputPerMillion: "0.000003",
    webSearchPerCall: "0.01",
    tiers: [{ aboveInputTokens: 9, ...plain }],
  });
  const less = discounted(price, "12.5") as Price;
  expect(less.version).toBe("test less 12.5%");
  expect(less.rates.input).toBe(3); // 2.625
  expect(less.rates.output).toBe(875_000);
  expect(less.tiers[0]?.rates.input).toBe(875_000);
  expect(less.perCall.webSearch).toBe(8_750_000);
});

test("no discount is the same price; all of it makes the call free", () => {
  const price = priced(plain);
  expect(discounted(price, "0")).toBe(price);
  expect((discounted(price, "100") as Price).rates.input).toBe(0);
});

test.for(["-1", "100.01", "5%", "12.12345", "NaN"])("a discount of %s is refused in words", (percent) => {
  expect(discounted(priced(plain), percent)).toHaveProperty("problem");
});
