import { afterAll, beforeAll, expect, test } from "vitest";
import { testClock, testLog } from "../../test/observed.ts";
import { openPgliteStore } from "../store/postgres.ts";
import type { Store } from "../store/store.ts";
import { SentResources } from "./progress.ts";
import { writeStatuses } from "./status-writer.ts";

const clock = testClock();
let store: Store;
beforeAll(async () => {
  store = await openPgliteStore({}, { nowMs: clock.nowMs, log: testLog() });
});
afterAll(() => store[Symbol.asyncDispose]());

const provider = (name: string, type = "OpenAI") => ({
  ...{ kind: "Provider", namespace: "ai", name, labels: {}, annotations: {}, spec: { type } },
  origin: { kind: "API" } as const,
});
const acceptedOf = async (name: string) => {
  const found = await store.getResource({ kind: "Provider", namespace: "ai", name });
  return found?.status.conditions.find(({ type }) => type === "Accepted");
};

test("a resource that came or changed after the compile is not spoken of", async () => {
  await store.createResource(provider("same"));
  await store.createResource(provider("changes"));
  const { resources } = await store.listResources();
  const outcome = {
    resources,
    revocations: [],
    acts: [],
    complaints: new Map(),
    revision: undefined,
    refused: undefined,
  };
  await store.updateResource(provider("changes", "Anthropic"));
  await store.createResource(provider("new"));

  const sent = new SentResources();
  const limits = { figures: new Map(), exhausted: new Map(), policies: new Map(), durabilityReduced: undefined };
  const situation = { outcome, sent, instances: [], dataPlaneUrl: undefined, limits, nowMs: clock.nowMs() };
  await writeStatuses(store, situation);
  expect(await acceptedOf("same")).toMatchObject({ status: "True", observedGeneration: 1 });
  expect(await acceptedOf("changes")).toMatchObject({ status: "Unknown", observedGeneration: 0 });
  expect(await acceptedOf("new")).toMatchObject({ status: "Unknown", observedGeneration: 0 });
});
