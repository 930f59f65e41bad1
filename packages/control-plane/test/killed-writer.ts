/** A process that writes into a PGlite folder until it is killed: `killed-writer.ts FOLDER`. Prints each number that was written. */

import { openPgliteStore } from "../src/store/postgres.ts";
import { testLog } from "./observed.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("killed-writer wants the folder to write to");
const store = await openPgliteStore({ folder }, { nowMs: () => Date.now(), log: testLog() });
const origin = { kind: "API" } as const;
// The one that was cut off between its two writes is begun again.
for (let number = await store.usageWatermark("i"); ; number++) {
  const name = `route-${String(number).padStart(6, "0")}`;
  await store.createResource({
    ...{ kind: "Route", namespace: "ai", name, labels: {}, annotations: {}, origin },
    spec: { filling: "x".repeat(500) },
  });
  const event = {
    ...{ instance: "i", seq: number + 1, requestId: name, startedAtMs: number, durationMs: 1, outcome: "Served" },
    ...{ status: 200, protocol: "openai", operation: "chat.completions", stream: false, attempts: 1 },
    ...{ requestBytes: 1, responseBytes: 1 },
  };
  await store.recordUsage({ instance: "i", firstSeq: number + 1, lines: [JSON.stringify(event)] });
  process.stdout.write(`${number}\n`);
}
