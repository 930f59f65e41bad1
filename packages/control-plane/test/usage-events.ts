/** Usage events for tests that are about what is made of them. */

import type { UsageEvent } from "@sluice/contract";
import type { Store } from "../src/store/store.ts";

/** Of calls that are not said otherwise: served, priced, of nobody. */
function usageEvent(instance: string, seq: number, change: Partial<UsageEvent> = {}): UsageEvent {
  return {
    ...{ instance, seq, requestId: `req-${instance}-${seq}`, startedAtMs: 1_000 + seq, durationMs: 1 },
    ...{ outcome: "Served", status: 200, protocol: "openai", operation: "chat.completions", stream: false },
    ...{ attempts: 1, requestBytes: 10, responseBytes: 11, costNanoUsd: 0 },
    ...change,
  };
}

/** Numbered from 1 in the order given. */
export async function recordAll(
  store: Pick<Store, "recordUsage">,
  instance: string,
  changes: readonly Partial<UsageEvent>[],
): Promise<UsageEvent[]> {
  const events = changes.map((change, place) => usageEvent(instance, place + 1, change));
  await store.recordUsage({ instance, firstSeq: 1, lines: events.map((event) => JSON.stringify(event)) });
  return events;
}
