/**
 * What an upstream call costs, by how it ended. Two figures: the cost as best known, which reports show, and what accounts are
 * charged beyond it until it is known better. Never zero by accident: what may have been billed counts at its worst case.
 */

import type { BillingReason } from "@sluice/contract";
import {
  costAtMostNanoUsd,
  costNanoUsd,
  estimateInputTokens,
  estimateOutputTokens,
  inputTokensOf,
  outputTokensOf,
  type Price,
  type Usage,
} from "@sluice/metering";

/** How a call ended, as far as money goes. */
export type AttemptEnd =
  /** The provider told its usage to the end. */
  | { readonly kind: "Usage"; readonly usage: Usage; readonly serviceTier: string | undefined }
  /** Not reached, or answered with an error that vendors do not bill. */
  | { readonly kind: "NotBilled" }
  /** `usage`: as far as it had been told; `outputTextBytes`: of content that came. */
  | {
      readonly kind: "Unknown";
      readonly reason: BillingReason;
      readonly usage: Usage | undefined;
      readonly outputTextBytes: number;
    };

/** What a call could cost at most, reckoned before it was made. */
export type Worst = {
  readonly nanoUsd: bigint | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The vendor runs tools, each of whose calls reads the context again: what it tells early is not the last word. */
  readonly hasVendorTools: boolean;
  /** As asked for: the answer of a cut call has not told its service tier. */
  readonly serviceTier: string | undefined;
};

export type Charge = {
  /** Undefined: unpriced. */
  readonly costNanoUsd: bigint | undefined;
  readonly tokens: number;
  /** Beyond them, what accounts are charged. */
  readonly heldNanoUsd: bigint;
  readonly heldTokens: number;
  readonly estimated: boolean;
  readonly reason: BillingReason | undefined;
};

export type Priced = {
  readonly price: Price | undefined;
  /** Undefined: no account asks for a bound. */
  readonly worst: Worst | undefined;
  readonly requestBytes: number;
};

const nothing: Charge = {
  ...{ costNanoUsd: 0n, tokens: 0, heldNanoUsd: 0n, heldTokens: 0 },
  ...{ estimated: false, reason: "NotBilled" as const },
};

export function chargeOf(end: AttemptEnd, call: Priced): Charge {
  switch (end.kind) {
    case "NotBilled":
      return nothing;
    case "Usage":
      return ofUsage(end, call);
    case "Unknown":
      return ofUnknown(end, call);
  }
}

function ofUsage(end: Extract<AttemptEnd, { kind: "Usage" }>, { price, worst }: Priced): Charge {
  const tokens = inputTokensOf(end.usage) + outputTokensOf(end.usage);
  const cost = price === undefined ? undefined : costNanoUsd(end.usage, price, end.serviceTier);
  const over =
    worst !== undefined &&
    (tokens > worst.inputTokens + worst.outputTokens || (cost ?? 0n) > (worst.nanoUsd ?? cost ?? 0n));
  return {
    ...{ costNanoUsd: cost, tokens, heldNanoUsd: 0n, heldTokens: 0, estimated: false },
    reason: over ? "Overrun" : price === undefined ? "Unpriced" : undefined,
  };
}

/** The worst case is charged; of it, what the vendor has already told is exact, and the cost is our best estimate. */
function ofUnknown(end: Extract<AttemptEnd, { kind: "Unknown" }>, { price, worst, requestBytes }: Priced): Charge {
  const told = end.usage;
  const toldInput = told !== undefined && inputTokensOf(told) > 0 && end.reason !== "UsageInconsistent";
  const isInputFinal = toldInput && worst?.hasVendorTools === false;
  const outputTokens = Math.max(
    told === undefined ? 0 : outputTokensOf(told),
    estimateOutputTokens(end.outputTextBytes),
  );
  const bounded = (value: number, most: number | undefined) => Math.min(value, most ?? value);
  const estimate: Usage = {
    ...(toldInput ? told : { input: bounded(estimateInputTokens(requestBytes), worst?.inputTokens) }),
    ...{ output: bounded(outputTokens, worst?.outputTokens), outputReasoning: 0, outputAudio: 0, outputImage: 0 },
  };
  const tokens = inputTokensOf(estimate) + outputTokensOf(estimate);
  const cost = price === undefined ? undefined : costNanoUsd(estimate, price);
  // Where the vendor has told the input, only the output is still open.
  const most: Usage | undefined =
    worst === undefined || !isInputFinal ? undefined : { ...estimate, output: worst.outputTokens };
  const worstTokens =
    worst === undefined ? tokens : most === undefined ? worst.inputTokens + worst.outputTokens : sum(most);
  const worstNanoUsd =
    most === undefined || price === undefined
      ? worst?.nanoUsd
      : least(worst?.nanoUsd, costAtMostNanoUsd(most, price, worst?.serviceTier));
  return {
    costNanoUsd: cost === undefined ? undefined : least(worst?.nanoUsd, cost),
    tokens,
    heldNanoUsd: cost === undefined || worstNanoUsd === undefined ? 0n : positive(worstNanoUsd - cost),
    heldTokens: Math.max(0, worstTokens - tokens),
    estimated: true,
    reason: end.reason,
  };
}

function sum(usage: Usage): number {
  return inputTokensOf(usage) + outputTokensOf(usage);
}

function least(bound: bigint | undefined, value: bigint): bigint {
  return bound === undefined || value < bound ? value : bound;
}

function positive(value: bigint): bigint {
  return value > 0n ? value : 0n;
}
