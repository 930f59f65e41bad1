import { afterAll, beforeAll, expect, test } from "vitest";
import { figures, limitPlan } from "../../test/account-figures.ts";
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

test("while accounts move, the limits that have some are written, and no other resource is read", async () => {
  const budget = (name: string) => ({
    ...provider(name),
    kind: "Budget",
    spec: { selector: {}, limit: { usd: "500.00" }, window: { calendar: "Month" } },
  });
  for (const name of ["used", "unused"]) await store.createResource(budget(name));
  const { resources } = await store.listResources();
  const plans = ["used", "unused"].map((name) => limitPlan({ uid: name, id: `ai/${name}` }));
  const limits = {
    figures: new Map(
      plans.map((plan) => [plan.uid, { plan, accounts: plan.uid === "used" ? [figures({ plan })] : [] }]),
    ),
    ...{ exhausted: new Map(), policies: new Map(), durabilityReduced: undefined },
  };
  const outcome = { resources, revocations: [], acts: [], complaints: new Map() };
  const situation = {
    outcome: { ...outcome, revision: undefined, refused: undefined },
    ...{ sent: new SentResources(), instances: [], dataPlaneUrl: undefined, limits, nowMs: clock.nowMs() },
  };
  const read: string[] = [];
  const reading = {
    listResources: () => Promise.reject(new Error("all were listed")),
    getResource: (ref: Parameters<Store["getResource"]>[0]) => {
      read.push(ref.name);
      return store.getResource(ref);
    },
    updateStatus: store.updateStatus.bind(store),
  };
  await writeStatuses(reading, situation, "LimitsInUse");
  expect(read).toEqual(["used"]);
  const found = await store.getResource({ kind: "Budget", namespace: "ai", name: "used" });
  expect(found?.status.accounts).toMatchObject({ count: 1 });
});
