/** A usage record as the admin API tells it: the event, what holds of its money now, and how that came. */

import type { UsageRecord } from "@sluice/api";
import { nanoUsdToDecimal } from "@sluice/metering";
import { rfc3339 } from "../store/pending-status.ts";
import { type CorrectedUsage, holding } from "./correction.ts";

export function usageRecord(usage: CorrectedUsage): UsageRecord {
  const {
    instance,
    seq,
    startedAtMs,
    costNanoUsd: _cost,
    heldNanoUsd: _held,
    charges: _charges,
    ...event
  } = usage.event;
  const { requestBytes: _request, responseBytes: _response, tokens, ...plain } = event;
  const { costNanoUsd, heldNanoUsd } = holding(usage);
  return {
    id: `${instance}/${seq}`,
    startedAt: new Date(startedAtMs).toISOString(),
    ...plain,
    ...(tokens && { tokens: { ...tokens } as Record<string, number> }),
    ...(costNanoUsd !== undefined && { costUsd: nanoUsdToDecimal(costNanoUsd) }),
    ...(heldNanoUsd !== 0n && { heldUsd: nanoUsdToDecimal(heldNanoUsd) }),
    ...(usage.corrections.length > 0 && {
      corrections: usage.corrections.map(
        ({ id, kind, deltaCostNanoUsd, deltaHeldNanoUsd, price, by, reason, atMs }) => ({
          ...{ id, kind, by, reason, at: rfc3339(atMs) },
          deltaCostUsd: nanoUsdToDecimal(deltaCostNanoUsd),
          deltaHeldUsd: nanoUsdToDecimal(deltaHeldNanoUsd),
          ...(price !== null && { price }),
        }),
      ),
    }),
  };
}
