/** The data plane and the record of limits: when nobody answers, when the journal is full, when two speak with one name. */

import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountId } from "@sluice/contract";
import { afterEach, expect, test, vi } from "vitest";
import { Journal, JournalUnavailable } from "../src/journal/journal.ts";
import { limitPlan, waitFor } from "./gateway.ts";
import { refusalOf, startLimited } from "./limited.ts";

const dollars = limitPlan("dollars", [{ unit: "nanoUsd", amount: "5000000000" }]);

afterEach(() => void vi.restoreAllMocks());

test("without the record a budget refuses what was not granted before, in moments and for moments", async () => {
  await using limited = await startLimited({ limits: [dollars] });
  limited.gateway.record.isAway = true;
  const answer = await limited.chat();
  expect(await refusalOf(answer)).toMatchObject({ status: 503, code: "limit_unavailable" });
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(answer.headers.get("x-should-retry")).not.toBe("false");
  expect(limited.simulator.requests).toHaveLength(0);
  expect(await limited.event()).toMatchObject({ outcome: "Refused", code: "limit_unavailable", attempts: 0 });

  limited.gateway.record.isAway = false;
  await waitFor(async () => (await limited.chat()).status === 200, "the budget to serve again");
  expect(await limited.spent("dollars")).toBe(limited.billed());
});

test("without the record a lease is spent to its end, and no further", async () => {
  await using limited = await startLimited({ limits: [dollars] });
  // Seen often enough to be leased ahead.
  for (let call = 0; call < 12; call++) expect((await limited.chat({ max_tokens: 50 })).status).toBe(200);
  limited.gateway.record.isAway = true;
  let served = 0;
  await waitFor(async () => {
    const { status } = await limited.chat({ max_tokens: 50 });
    served += status === 200 ? 1 : 0;
    return status === 503;
  }, "the lease to be spent");
  expect(served).toBeGreaterThan(0);
  const { committed } = limited.gateway.record.of("dollars");
  expect(limited.billed() <= committed).toBe(true);
  limited.gateway.record.isAway = false;
  expect(await limited.spent("dollars")).toBe(limited.billed());
});

test.for([
  ["a Budget that says Allow", 200, { ...dollars, whenUnavailable: "Allow" }],
  ["a RateLimit that says Allow", 200, limitPlan("calls", [{ unit: "requests", amount: "9" }])],
  [
    "a RateLimit that says Refuse",
    503,
    limitPlan("calls", [{ unit: "requests", amount: "9" }], { whenUnavailable: "Refuse" }),
  ],
  ["a Budget that warns", 200, { ...dollars, mode: "Warn" }],
] as const)("without the record %s: %i", async ([, status, limit]) => {
  await using limited = await startLimited({ limits: [limit] });
  limited.gateway.record.isAway = true;
  expect((await limited.chat()).status).toBe(status);
  limited.gateway.record.isAway = false;
  if (status === 200 && limit.kind === "Budget") expect(await limited.spent("dollars")).toBe(limited.billed());
});

test("without the record a rate goes on with its share and never beyond it", async () => {
  const short = limitPlan(
    "short",
    [{ name: "requests-10s", unit: "requests", amount: "5", window: { kind: "share", ms: 10_000 } }],
    { maxWaitMs: 0 },
  );
  await using limited = await startLimited({ limits: [short] });
  expect((await limited.chat()).status).toBe(200);
  const held = Number(limited.gateway.record.of("short").committed);
  limited.gateway.record.isAway = true;
  const statuses: number[] = [];
  for (let call = 0; call < 6; call++) statuses.push((await limited.chat()).status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(held - 1);
});

test("a journal that takes no more entries: nothing goes up, the caller is told to come again", async () => {
  await using limited = await startLimited({ limits: [dollars] });
  expect((await limited.chat()).status).toBe(200);
  const append = Journal.prototype.append;
  vi.spyOn(Journal.prototype, "append").mockImplementation(function (this: Journal, record) {
    if (record.kind === "reserve") throw new JournalUnavailable("full");
    append.call(this, record);
  });
  const answer = await limited.chat();
  expect(await refusalOf(answer)).toMatchObject({ status: 503, code: "journal_unavailable" });
  expect(answer.headers.get("retry-after")).toBe("1");
  expect(limited.simulator.requests).toHaveLength(1);
  vi.restoreAllMocks();
  expect((await limited.chat()).status).toBe(200);
  // The refused one has kept nothing.
  expect(await limited.spent("dollars")).toBe(limited.billed());
});

test("what is granted is in the journal before it is spent, and a call before it goes up", async () => {
  const kinds: string[] = [];
  const append = Journal.prototype.append;
  vi.spyOn(Journal.prototype, "append").mockImplementation(function (this: Journal, record) {
    kinds.push(record.kind);
    append.call(this, record);
  });
  let asUp: string[] = [];
  await using limited = await startLimited({
    limits: [dollars],
    behaviour: () => {
      asUp = [...kinds];
      return {};
    },
  });
  expect((await limited.chat()).status).toBe(200);
  await limited.event();
  expect(asUp.filter((kind) => kind !== "spooled")).toEqual(["grant", "reserve"]);
  expect(kinds.filter((kind) => kind === "settle")).toHaveLength(1);
});

test("what is given back is in the journal before the record hears of it", async () => {
  const journaled = new Map<string, number>();
  const append = Journal.prototype.append;
  vi.spyOn(Journal.prototype, "append").mockImplementation(function (this: Journal, record) {
    if (record.kind === "return") for (const [key, total] of record.returned) journaled.set(key, total);
    append.call(this, record);
  });
  await using limited = await startLimited({ limits: [dollars] });
  const told: boolean[] = [];
  limited.gateway.record.onRequest = ({ leases }) => {
    for (const { family, window, returned } of leases)
      if (returned > 0) told.push((journaled.get(accountId(family, window)) ?? 0) >= returned);
  };
  for (let call = 0; call < 3; call++) expect((await limited.chat()).status).toBe(200);
  expect(await limited.spent("dollars")).toBe(limited.billed());
  expect(told.length).toBeGreaterThan(0);
  expect(told.every((one) => one)).toBe(true);
});

test("somebody else with this instance's journal: its session is over, calls in flight end, and a new one serves on", async () => {
  await using limited = await startLimited({
    limits: [dollars],
    behaviour: ({ body }) => (body.includes("slow") ? { "gap-ms": 20, tokens: 40 } : {}),
  });
  const { gateway } = limited;
  await (await limited.chat()).text();
  const slow = limited.chat({ model: "gpt-4o-slow", stream: true, max_tokens: 100 });
  await waitFor(() => limited.simulator.requests.length === 2, "the slow call to go up");

  // What both have to send would go under one id, and the bus take it once: the rest is sent again, ten seconds later.
  await gateway.usage(1);
  const folder = await mkdtemp(join(tmpdir(), "sluice-clone-"));
  await using _ends = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  for (const file of await readdir(join(gateway.folder, "journal")))
    if (file.endsWith(".journal")) await cp(join(gateway.folder, "journal", file), join(folder, "journal", file));
  const clone = await gateway.start(folder);
  await waitFor(() => gateway.record.sessions.size > 0, "a session");
  await waitFor(async () => {
    const answer = await limited.chat({ max_tokens: 40 });
    await answer.text();
    return gateway.logged.some((line) => line.includes("somebody else has spoken"));
  }, "the clone to be noticed");
  const after = await limited.chat();
  expect(after.status).toBe(200);
  await after.text();
  await clone.close(0);
  expect(await (await slow).text()).toContain("[DONE]");
  await gateway.close(5_000);
  expect([...gateway.record.sessions.keys()]).toHaveLength(2);
  const { spent, committed } = gateway.record.of("dollars");
  expect(spent).toBe(committed);
  // Each call has its record, whichever session it was made in; the clone may add one of the call that it found under way.
  const count = limited.simulator.bill().length;
  const events = await gateway.usage(count);
  const ownEvents = () => events.filter(({ billingReason }) => billingReason !== "ProcessKilled");
  await waitFor(() => ownEvents().length >= count, `${count} records of its own`);
  const own = ownEvents();
  expect(own).toHaveLength(count);
  expect(own.reduce((sum, { costNanoUsd = 0 }) => sum + BigInt(costNanoUsd), 0n)).toBe(limited.billed());
  expect(gateway.logged.filter((line) => line.includes("fault of ours"))).toEqual([]);
});

test("a data plane that ends gives back all that it has not spent, calls in flight included", async () => {
  await using limited = await startLimited({
    limits: [dollars, limitPlan("calls", [{ unit: "requests", amount: "100" }])],
    behaviour: () => ({ "gap-ms": 10, tokens: 30 }),
  });
  const answers = await Promise.all(Array.from({ length: 4 }, () => limited.chat({ stream: true, max_tokens: 100 })));
  const texts = answers.map((answer) => answer.text());
  // All four end within the grace.
  expect(await limited.spent("dollars")).toBe(limited.billed());
  expect(await limited.spent("calls")).toBe(4n);
  expect((await Promise.all(texts)).every((text) => text.endsWith("data: [DONE]\n\n"))).toBe(true);
});

test("what could not be given back at the end is given back by the next start", async () => {
  await using limited = await startLimited({ limits: [dollars] });
  for (let call = 0; call < 4; call++) expect((await limited.chat({ max_tokens: 50 })).status).toBe(200);
  const { record } = limited.gateway;
  record.isAway = true;
  await limited.gateway.close(0);
  expect(record.of("dollars").committed > limited.billed()).toBe(true);

  record.isAway = false;
  const next = await limited.gateway.start(limited.gateway.folder);
  await next.ready;
  await next.close(1_000);
  const { spent, committed } = record.of("dollars");
  expect([spent, committed]).toEqual([limited.billed(), limited.billed()]);
  expect(record.sessions.size).toBe(1);
});

test("a session that has given back all is not gone on with", async () => {
  await using limited = await startLimited({ limits: [dollars] });
  expect((await limited.chat()).status).toBe(200);
  await limited.gateway.close(0);
  const next = await limited.gateway.start(limited.gateway.folder);
  await next.ready;
  await next.close(1_000);
  const states = [...limited.gateway.record.sessions.values()].map(({ state, incarnation }) => [state, incarnation]);
  expect(states).toEqual([
    ["Closed", 1],
    ["Closed", 1],
  ]);
  expect(await limited.spent("dollars")).toBe(limited.billed());
});

test("from an account that is used up nothing is asked, however many call", async () => {
  await using limited = await startLimited({ limits: [limitPlan("tiny", [{ unit: "nanoUsd", amount: "1" }])] });
  expect((await limited.chat()).status).toBe(429);
  const { asked } = limited.gateway.record;
  const answers = await Promise.all(Array.from({ length: 50 }, () => limited.chat()));
  expect(answers.every(({ status }) => status === 429)).toBe(true);
  expect(limited.gateway.record.asked - asked).toBeLessThanOrEqual(3);
});

test("what a call lacks of all its limits is asked for in one message", async () => {
  const limits = [
    dollars,
    limitPlan("tokens", [{ unit: "tokens", amount: "1000000" }], { per: ["User"] }),
    limitPlan("calls", [{ unit: "requests", amount: "100" }], { per: ["User"] }),
    limitPlan("slots", [{ name: "concurrent", unit: "slots", amount: "5", window: { kind: "share" } }]),
  ];
  let asked = 0;
  await using limited = await startLimited({
    limits,
    behaviour: () => {
      asked = limited.gateway.record.asked;
      return {};
    },
  });
  expect((await limited.chat()).status).toBe(200);
  expect(asked).toBe(1);
});

test("calls that come at once share one ask", async () => {
  await using limited = await startLimited({ limits: [dollars], behaviour: () => ({ latency: 100 }) });
  const answers = await Promise.all(Array.from({ length: 30 }, () => limited.chat({ max_tokens: 20 })));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(limited.gateway.record.asked).toBeLessThan(30);
});
