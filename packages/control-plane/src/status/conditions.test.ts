import type { Acknowledgement } from "@sluice/contract";
import { describe, expect, test } from "vitest";
import { pendingStatus } from "../store/pending-status.ts";
import type { Condition, StoredResource } from "../store/store.ts";
import { type Complaint, conditionsOf, type Progress } from "./conditions.ts";
import { SentResources } from "./progress.ts";

const resource: StoredResource = {
  ...{ kind: "Route", namespace: "ai", name: "chat", uid: "u1", generation: 3, resourceVersion: 9n, createdAtMs: 0 },
  ...{ labels: {}, annotations: {}, spec: {}, status: pendingStatus(0), origin: { kind: "API" } },
};
const fine = { complaints: [], progress: { kind: "reached", of: 2 }, revoked: undefined, nowMs: 60_000 } as const;
const words = (conditions: readonly Condition[]) =>
  Object.fromEntries(conditions.map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]));

test("a resource that is in force everywhere is ready", () => {
  expect(words(conditionsOf(resource, fine))).toEqual({
    Accepted: "True Accepted: Valid",
    ResolvedRefs: "True ResolvedRefs: All references are resolved",
    Programmed: "True Programmed: On 2 of 2 data planes",
    Ready: "True Ready: In force",
  });
});

test("every condition names the generation that it speaks of, and the moment its status moved", () => {
  const first = conditionsOf(resource, fine);
  expect(first.map((condition) => condition.observedGeneration)).toEqual([3, 3, 3, 3]);
  expect(first.map((condition) => condition.lastTransitionTime)).toEqual(Array(4).fill("1970-01-01T00:01:00Z"));

  const before = { ...resource, status: { conditions: first } };
  const underWay: Progress = { kind: "under-way", reached: 1, of: 2 };
  const later = conditionsOf(before, { ...fine, progress: underWay, nowMs: 120_000 });
  expect(Object.fromEntries(later.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]))).toEqual({
    ...{ Accepted: "1970-01-01T00:01:00Z", ResolvedRefs: "1970-01-01T00:01:00Z" },
    ...{ Programmed: "1970-01-01T00:02:00Z", Ready: "1970-01-01T00:02:00Z" },
  });
});

const notResolved: Complaint = { condition: "ResolvedRefs", reason: "RefNotFound", message: "no Provider ai/x" };
const notAccepted: Complaint = { condition: "Accepted", reason: "Conflicted", message: "older Gateway" };
test.each<[string, Partial<Parameters<typeof conditionsOf>[1]>, Record<string, string>]>([
  [
    "a broken reference is not ready, and told",
    { complaints: [notResolved, { ...notResolved, message: "no Provider ai/y" }] },
    {
      ResolvedRefs: "False RefNotFound: no Provider ai/x; no Provider ai/y",
      Ready: "False RefNotFound: no Provider ai/x; no Provider ai/y",
    },
  ],
  [
    "what is not accepted is not in force",
    { complaints: [notAccepted] },
    {
      Accepted: "False Conflicted: older Gateway",
      Programmed: "False Conflicted: Not in force, as it was not accepted",
      Ready: "False Conflicted: older Gateway",
    },
  ],
  [
    "what is under way says how far it is",
    { progress: { kind: "under-way", reached: 1, of: 3 } },
    { Programmed: "False Pending: On 1 of 3 data planes", Ready: "False Pending: On 1 of 3 data planes" },
  ],
  [
    "without a data plane nobody knows",
    { progress: { kind: "under-way", reached: 0, of: 0 } },
    {
      Programmed: "Unknown NoDataPlane: No data plane is connected",
      Ready: "Unknown NoDataPlane: No data plane is connected",
    },
  ],
  [
    "a refused snapshot says why",
    { progress: { kind: "refused", reason: "too new" } },
    { Programmed: "False SnapshotRefused: too new", Ready: "False SnapshotRefused: too new" },
  ],
  [
    "a revoked key is not ready, whatever else is fine",
    { revoked: "Revoked by ana" },
    { Ready: "False Revoked: Revoked by ana" },
  ],
])("%s", (_, input, expected) => {
  expect(words(conditionsOf(resource, { ...fine, ...input }))).toMatchObject(expected);
});

describe("progress", () => {
  const plane = (name: string, revision: number, more: Partial<Acknowledgement> = {}): Acknowledgement => ({
    ...{ instance: name, name, startedAtMs: 0, revision, keysRevision: 0, ...more },
  });

  test("counts the data planes that have the revision that a resource went out with, or a later one", () => {
    const sent = new SentResources();
    expect(sent.progressOf(resource, [plane("a", 7)])).toEqual({ kind: "under-way", reached: 0, of: 1 });
    sent.note([resource], { revision: 7, keysRevision: 0 });
    expect(sent.progressOf(resource, [plane("a", 7), plane("b", 6)])).toEqual({ kind: "under-way", reached: 1, of: 2 });
    expect(sent.progressOf(resource, [plane("a", 7), plane("b", 8)])).toEqual({ kind: "reached", of: 2 });
    expect(sent.progressOf(resource, [])).toEqual({ kind: "under-way", reached: 0, of: 0 });
  });

  test("is not set back by a later revision that changed something else", () => {
    const sent = new SentResources();
    sent.note([resource], { revision: 7, keysRevision: 0 });
    sent.note([resource], { revision: 8, keysRevision: 0 });
    expect(sent.progressOf(resource, [plane("a", 7)])).toEqual({ kind: "reached", of: 1 });
    sent.note([{ ...resource, generation: 4 }], { revision: 9, keysRevision: 0 });
    expect(sent.progressOf({ ...resource, generation: 4 }, [plane("a", 7)])).toMatchObject({ kind: "under-way" });
  });

  test("names the data plane that refuses the revision", () => {
    const sent = new SentResources();
    sent.note([resource], { revision: 7, keysRevision: 0 });
    const refusing = plane("gw-1", 6, { rejected: { revision: 7, reason: "format 2" } });
    expect(sent.progressOf(resource, [plane("a", 7), refusing])).toEqual({
      kind: "refused",
      reason: "Refused by the data plane gw-1: format 2",
    });
  });

  test("of a key follows the keys, not the snapshot", () => {
    const sent = new SentResources();
    const key = { ...resource, kind: "VirtualKey" };
    sent.note([key], { revision: 7, keysRevision: 40 });
    expect(sent.progressOf(key, [plane("a", 0, { keysRevision: 39 })])).toMatchObject({ kind: "under-way" });
    expect(sent.progressOf(key, [plane("a", 0, { keysRevision: 40 })])).toEqual({ kind: "reached", of: 1 });
  });
});
