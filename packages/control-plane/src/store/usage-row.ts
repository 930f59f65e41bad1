/** A row of the table `usage` as the event that it was. */

import type { BillingReason, Outcome, TokenCounts, UsageEvent } from "@sluice/contract";
import type { usage } from "./schema.ts";

export function eventOf(row: typeof usage.$inferSelect): UsageEvent {
  const {
    outcome,
    protocol,
    inputTokens,
    inputAudioTokens,
    cacheReadTokens,
    cacheWrite5mTokens,
    cacheWrite1hTokens,
    cacheWriteOtherTokens,
    outputTokens,
    outputReasoningTokens,
    outputAudioTokens,
    inputImageTokens,
    outputImageTokens,
    webSearches,
    webFetches,
    billingReason,
    ...plain
  } = row;
  const present = withoutNulls(plain) as Omit<UsageEvent, "outcome" | "protocol" | "tokens" | "billingReason">;
  const event = {
    ...present,
    outcome: outcome as Outcome,
    protocol: protocol as UsageEvent["protocol"],
    ...(billingReason !== null && { billingReason: billingReason as BillingReason }),
  };
  // All kinds come together or not at all.
  if (inputTokens === null) return event;
  return {
    ...event,
    tokens: {
      input: inputTokens,
      inputAudio: inputAudioTokens ?? 0,
      cacheRead: cacheReadTokens ?? 0,
      cacheWrite5m: cacheWrite5mTokens ?? 0,
      cacheWrite1h: cacheWrite1hTokens ?? 0,
      cacheWriteOther: cacheWriteOtherTokens ?? 0,
      output: outputTokens ?? 0,
      outputReasoning: outputReasoningTokens ?? 0,
      outputAudio: outputAudioTokens ?? 0,
      // Later kinds: where they are absent they stay so.
      ...(withoutNulls({
        ...{ inputImage: inputImageTokens, outputImage: outputImageTokens, webSearches, webFetches },
      }) as Partial<TokenCounts>),
    },
  };
}

function withoutNulls(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
}
