import { expect, test } from "vitest";
import { type CallFeatures, contextWindowUnknown, expandableBytes, worstCase } from "./bound.ts";
import type { Price, Rates } from "./price.ts";

const text: CallFeatures = { media: false, references: false, serverTools: [], audioOutput: false, choices: 1 };
const byteLevel = { contextWindow: 100_000, byteLevelTokens: true };
const unpublished = { contextWindow: 100_000, byteLevelTokens: false };
const rates: Rates = {
  input: 1_000,
  inputAudio: 40_000,
  inputImage: 5_000,
  cacheRead: 100,
  cacheWrite5m: 1_250,
  cacheWrite1h: 2_000,
  cacheWriteOther: 1_500,
  output: 10_000,
  outputReasoning: 11_000,
  outputAudio: 80_000,
  outputImage: 10_500,
};
const price: Price = {
  version: "test",
  rates,
  tiers: [],
  serviceTiers: {},
  perCall: { webSearch: 10_000_000, webFetch: 0 },
};
const dearer = Object.fromEntries(Object.entries(rates).map(([kind, rate]) => [kind, rate * 2])) as Rates;

test.for([
  ["a byte-level token is at least a byte, plus the preamble", 1_000, text, byteLevel, 1_256],
  ["never more than the context window", 400_000, text, byteLevel, 100_000],
  ["an unpublished tokenizer may lengthen the text elevenfold first", 1_000, text, unpublished, 12_024],
  ["media do not go by bytes", 1_000, { ...text, media: true }, byteLevel, 100_000],
  ["what is not in the body may be anything", 1_000, { ...text, references: true }, byteLevel, 100_000],
  [
    "an unknown window is larger than any",
    1_000,
    { ...text, references: true },
    { byteLevelTokens: true },
    contextWindowUnknown,
  ],
] as const)("input: %s", ([, bodyBytes, features, model, inputTokensMax]) => {
  expect(worstCase({ bodyBytes, features, model, outputCap: 0 }).inputTokensMax).toBe(inputTokensMax);
});

test("plain ASCII is not lengthened by normalization", () => {
  const call = { bodyBytes: 1_000, features: text, model: unpublished, outputCap: 0 };
  expect(worstCase({ ...call, expandableBytes: 0 }).inputTokensMax).toBe(2_024);
  expect(worstCase({ ...call, expandableBytes: 30 }).inputTokensMax).toBe(2_324);
  expect(worstCase({ ...call, expandableBytes: 5_000 }).inputTokensMax).toBe(12_024);
});

test.for([
  ['{"a":"plain"}', 0],
  ["ﷺ", 3],
  ['"\\ufdfa"', 6],
  ['"\\n\\u"', 6],
  ["é💥", 6],
] as const)("%s has bytes that normalization can lengthen: %i", ([body, count]) => {
  expect(expandableBytes(new TextEncoder().encode(body))).toBe(count);
});

test("no character grows more than elevenfold under NFKC, and none of ASCII grows", () => {
  const encoder = new TextEncoder();
  let most = 0;
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    // NFKD: composing afterwards only shortens.
    const ratio = encoder.encode(character.normalize("NFKD")).length / encoder.encode(character).length;
    if (code < 0x80) expect(ratio).toBe(1);
    most = Math.max(most, ratio);
  }
  expect(most).toBe(11);
});

test.for([
  ["the cap", 500, text, 500],
  ["for each choice", 500, { ...text, choices: 4 }, 2_000],
  ["no choice is still one", 500, { ...text, choices: 0 }, 500],
  ["nothing where the operation has no output", 0, { ...text, choices: 4 }, 0],
  ["without a cap, what the context window leaves room for", undefined, text, 100_000],
  ["a prediction is charged beside the cap", 500, { ...text, prediction: true }, 1_756],
] as const)("output: %s", ([, outputCap, features, outputTokensMax]) => {
  const worst = worstCase({ bodyBytes: 1_000, features, model: byteLevel, outputCap });
  expect(worst.outputTokensMax).toBe(outputTokensMax);
  expect(worst.tokensMax).toBe(worst.inputTokensMax + outputTokensMax);
});

test("without a price there is no amount, and it is not zero", () => {
  const worst = worstCase({ bodyBytes: 1_000, features: text, model: byteLevel, outputCap: 500 });
  expect(worst.nanoUsd).toBeUndefined();
});

// 744 bytes: 1000 tokens with the preamble; 100 out.
const call = { bodyBytes: 744, features: text, model: byteLevel, price, outputCap: 100 };
test.for([
  ["text may be written to the dearest cache, and be reasoned about", {}, 2_000n + 1_100n],
  ["an answer may have audio", { features: { ...text, audioOutput: true } }, 2_000n + 8_000n],
  ["media may be audio", { features: { ...text, media: true } }, 4_000_000n + 1_100n],
  ["so may content that is not in the body", { features: { ...text, references: true } }, 4_000_000n + 1_100n],
  [
    "a tier that the input can reach counts",
    { price: { ...price, tiers: [{ aboveInputTokens: 999, rates: dearer }] } },
    6_200n,
  ],
  ["one that it cannot does not", { price: { ...price, tiers: [{ aboveInputTokens: 1_000, rates: dearer }] } }, 3_100n],
  [
    "a cheaper tier changes nothing",
    { price: { ...price, rates: dearer, tiers: [{ aboveInputTokens: 1, rates }] } },
    6_200n,
  ],
  ["a project's service tier may apply unasked", { price: { ...price, serviceTiers: { priority: 1_700 } } }, 5_270n],
  ["fractions round up", { price: { ...price, serviceTiers: { priority: 1_001 } } }, 3_104n],
  [
    "whoever asks for the plain tier has it",
    { price: { ...price, serviceTiers: { priority: 1_700 } }, features: { ...text, serviceTier: "default" } },
    3_100n,
  ],
] as const)("dearest: %s", ([, more, nanoUsd]) => {
  expect(worstCase({ ...call, ...more }).nanoUsd).toBe(nanoUsd);
});

test("a vendor's tool calls the model again with the whole context, writes again, and takes its fee", () => {
  const features = { ...text, serverTools: [{ kind: "web_search_20250305", maxCalls: 3 }] };
  const worst = worstCase({ ...call, features });
  expect(worst.inputTokensMax).toBe(1_000 + 1_500 + 3 * 100_000);
  expect(worst.outputTokensMax).toBe(100 + 3 * 100);
  expect(worst.nanoUsd).toBe(302_500n * 2n + 400n * 11n + 30_000_000n);
  expect(worst.unbounded).toBe(false);
});

test.for([
  ["a web search without a maximum", "web_search_20250305", undefined, true],
  ["a web fetch with one", "web_fetch_20250910", 2, false],
  ["code that the vendor runs, at a fee by the hour", "code_execution_20250825", 5, true],
  ["a tool that we do not know", "teleport_20270101", 1, true],
  ["a shell that the caller runs", "bash_20250124", undefined, false],
  ["a shell that the vendor may run", "shell", 1, true],
  ["a name that only begins like one", "bash_20250124_hosted", 1, true],
  ["an editor that the caller runs", "text_editor_20250728", undefined, false],
  ["a screen that the caller shows", "computer_20250124", undefined, false],
] as const)("%s: unbounded %s", ([, kind, maxCalls, unbounded]) => {
  const worst = worstCase({ ...call, features: { ...text, serverTools: [{ kind, maxCalls }] } });
  expect(worst.unbounded).toBe(unbounded);
});

test("more tools than anybody lists have no bound", () => {
  const serverTools = Array.from({ length: 32 }, () => ({ kind: "bash_20250124", maxCalls: undefined }));
  expect(worstCase({ ...call, features: { ...text, serverTools } }).unbounded).toBe(true);
});

test("a tool that the caller runs adds its definition alone", () => {
  const worst = worstCase({
    ...call,
    features: { ...text, serverTools: [{ kind: "bash_20250124", maxCalls: undefined }] },
  });
  expect(worst.inputTokensMax).toBe(2_500);
});
