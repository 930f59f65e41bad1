/**
 * The worst case of a call before it is made: more than the vendor can charge, from what is known without its tokenizer. It is
 * what a limit reserves, so each rule here has its reason; where none holds, the call is `unbounded`.
 *
 *   input   a token is at least a byte of the text, plus what the vendor adds; content that is not text: the context window
 *   output  the cap that goes upstream × choices
 *   tools   that the vendor runs: stated number of inner calls × (context window + cap + fee)
 *   rates   the dearest kind, context tier and service tier that the call can reach
 */

import type { Price, Rates } from "./price.ts";
import { dearestServiceTierFactor } from "./service-tier.ts";
import { toolRule } from "./vendor-tool.ts";

/** What a request's body says, beyond its size. */
export type CallFeatures = {
  /** Images, audio, documents in the body: their tokens do not go by bytes. */
  readonly media: boolean;
  /** Content that is not in the body: URLs, file ids, stored prompts, earlier answers. */
  readonly references: boolean;
  /** Tools that the vendor defines, by the `type` in the request. `maxCalls` undefined: the request states none. */
  readonly serverTools: readonly { readonly kind: string; readonly maxCalls: number | undefined }[];
  readonly audioOutput: boolean;
  /** As asked for; several joined with a plus. Absent: not asked for. */
  readonly serviceTier?: string | undefined;
  /** Answers that are generated and charged (`n`, `best_of`). */
  readonly choices: number;
  /** A `prediction` is charged as output where the answer departs from it, beside the cap. */
  readonly prediction?: boolean | undefined;
};

export type WorstCase = {
  readonly inputTokensMax: number;
  readonly outputTokensMax: number;
  readonly tokensMax: number;
  /** Undefined: no price is known. */
  readonly nanoUsd: bigint | undefined;
  /** The figures are no bound: a tool of the vendor runs without a stated maximum, or at a fee that no price here covers. */
  readonly unbounded: boolean;
};

/** Where a context window is not known: more than vendors' models take. */
export const contextWindowUnknown = 2_000_000;

/** What vendors with published tokenizers put around a request (turns, tool and format preambles); they state up to 20. */
const preambleTokens = 256;

/** For the others: Anthropic states up to 600 tokens for the preamble of tools alone. */
const unpublishedPreambleTokens = 1_024;

/** More tools of the vendor's than anybody lists, and than the reader of a request keeps apart. */
const serverToolsMax = 32;

/** The longest that NFKC makes a byte of UTF-8: U+FDFA, 3 bytes, becomes 33. */
const normalizedBytesPerByte = 11;

export function worstCase(call: {
  readonly bodyBytes: number;
  /** Bytes that normalization can lengthen (`expandableBytes`); absent: all. Asked only where tokens are not byte-level. */
  readonly expandableBytes?: number | undefined;
  readonly features: CallFeatures;
  readonly model: { readonly contextWindow?: number | undefined; readonly byteLevelTokens: boolean };
  readonly price?: Price | undefined;
  /** Of each choice, as sent upstream; 0: the operation has no output. Undefined: none is sent and the model has none. */
  readonly outputCap: number | undefined;
}): WorstCase {
  const { features, model, price } = call;
  const contextWindow = model.contextWindow ?? contextWindowUnknown;
  const ownInput = features.media || features.references ? contextWindow : Math.min(textTokensMax(call), contextWindow);
  const output = (call.outputCap ?? contextWindow) * Math.max(1, features.choices);

  const tools = toolsMax(features, price);
  const inputTokensMax = ownInput + tools.definitionTokens + tools.calls * contextWindow;
  const predicted = features.prediction === true ? textTokensMax(call) : 0;
  const outputTokensMax = output + predicted + tools.calls * output;
  return {
    inputTokensMax,
    outputTokensMax,
    tokensMax: inputTokensMax + outputTokensMax,
    nanoUsd:
      price === undefined
        ? undefined
        : tokensNanoUsd({ inputTokensMax, outputTokensMax, features, price }) + BigInt(tools.feesNanoUsd),
    unbounded: tools.unbounded,
  };
}

/** Bytes that NFKC can lengthen: all beyond ASCII, and JSON's escapes, which may stand for such. A table-free scan. */
export function expandableBytes(body: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] ?? 0;
    if (byte >= 0x80) count++;
    else if (byte === 0x5c && body[at + 1] === 0x75) count += 6;
  }
  return count;
}

function textTokensMax(call: Parameters<typeof worstCase>[0]): number {
  const { bodyBytes, model } = call;
  if (model.byteLevelTokens) return bodyBytes + preambleTokens;
  const expandable = Math.min(call.expandableBytes ?? bodyBytes, bodyBytes);
  return bodyBytes + expandable * (normalizedBytesPerByte - 1) + unpublishedPreambleTokens;
}

function toolsMax(
  features: CallFeatures,
  price: Price | undefined,
): { definitionTokens: number; calls: number; feesNanoUsd: number; unbounded: boolean } {
  let [definitionTokens, calls, feesNanoUsd] = [0, 0, 0];
  let unbounded = features.serverTools.length >= serverToolsMax;
  for (const { kind, maxCalls } of features.serverTools) {
    const rule = toolRule(kind);
    definitionTokens += rule.definitionTokens;
    if (rule.runsAt === "caller") continue;
    unbounded ||= rule.fee === undefined || maxCalls === undefined;
    const toolCalls = maxCalls ?? 1;
    calls += toolCalls;
    if (rule.fee !== undefined && price !== undefined) feesNanoUsd += toolCalls * price.perCall[rule.fee];
  }
  return { definitionTokens, calls, feesNanoUsd, unbounded };
}

function tokensNanoUsd(call: {
  readonly inputTokensMax: number;
  readonly outputTokensMax: number;
  readonly features: CallFeatures;
  readonly price: Price;
}): bigint {
  const { inputTokensMax, outputTokensMax, features, price } = call;
  const hasMedia = features.media || features.references;
  let inputRate = dearestInputRate(price.rates, hasMedia);
  let outputRate = dearestOutputRate(price.rates, features.audioOutput);
  for (const tier of price.tiers) {
    if (inputTokensMax <= tier.aboveInputTokens) continue;
    inputRate = Math.max(inputRate, dearestInputRate(tier.rates, hasMedia));
    outputRate = Math.max(outputRate, dearestOutputRate(tier.rates, features.audioOutput));
  }
  const picoUsd = BigInt(inputTokensMax) * BigInt(inputRate) + BigInt(outputTokensMax) * BigInt(outputRate);
  const factor = BigInt(dearestServiceTierFactor(price, features.serviceTier));
  return (picoUsd * factor + 999_999n) / 1_000_000n;
}

/** Vendors write to a cache unasked, and which life they charge for is their choice too. */
function dearestInputRate(rates: Rates, hasMedia: boolean): number {
  const text = Math.max(rates.input, rates.cacheRead, rates.cacheWrite5m, rates.cacheWrite1h, rates.cacheWriteOther);
  return hasMedia ? Math.max(text, rates.inputAudio, rates.inputImage) : text;
}

function dearestOutputRate(rates: Rates, audioOutput: boolean): number {
  const silent = Math.max(rates.output, rates.outputReasoning, rates.outputImage);
  return audioOutput ? Math.max(silent, rates.outputAudio) : silent;
}
