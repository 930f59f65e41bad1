/** Usage events as data planes send them, for tests that read them back out of the record. */

import type { UsageEvent } from "@sluice/contract";
import type { Store } from "../src/store/store.ts";

const instance = "0123456789abcdef0123456789abcdef";

export const tokens = {
  ...{ input: 1_000, inputAudio: 0, cacheRead: 200, cacheWrite5m: 0, cacheWrite1h: 0, cacheWriteOther: 0 },
  ...{ output: 50, outputReasoning: 10, outputAudio: 0 },
};

export function usageEvent(seq: number, change: Partial<UsageEvent> = {}): UsageEvent {
  return {
    ...{ instance, seq, requestId: `req_${seq}`, startedAtMs: Date.UTC(2026, 10, 20) + seq, durationMs: 12.5 },
    ...{ outcome: "Served", status: 200, protocol: "openai", operation: "chat.completions", stream: false },
    ...{ attempts: 1, tokens, requestBytes: 100, responseBytes: 200, costNanoUsd: 1_000 },
    ...change,
  };
}

export async function recordEvents(store: Pick<Store, "recordUsage">, events: readonly UsageEvent[]): Promise<void> {
  const [first] = events;
  if (first === undefined) return;
  const lines = events.map((event) => JSON.stringify(event));
  const { rejected } = await store.recordUsage({ instance: first.instance, firstSeq: first.seq, lines });
  if (rejected > 0) throw new Error(`${rejected} usage events were rejected`);
}
