import { expect, test, vi } from "vitest";
import { realClock, testLog } from "../../test/observed.ts";
import { Loop } from "./loop.ts";

const soon = { timeout: 20_000, interval: 5 };

function loopOf(work: () => Promise<void>) {
  const log = testLog();
  return { log, loop: new Loop({ name: "work", work, debounceMs: 5, clock: realClock, log }) };
}

test("many asks at once are one run", async () => {
  let runs = 0;
  await using loop = loopOf(async () => void runs++).loop;
  for (let ask = 0; ask < 50; ask++) loop.ask();
  await loop.firstSuccess;
  await new Promise((wake) => setTimeout(wake, 50));
  expect(runs).toBe(1);
});

test("an ask during a run is one more run, never a second at the same time", async () => {
  let [runs, running, most] = [0, 0, 0];
  const made = loopOf(async () => {
    most = Math.max(most, ++running);
    runs++;
    await new Promise((wake) => setTimeout(wake, 20));
    running--;
  });
  await using loop = made.loop;
  loop.askNow();
  for (let ask = 0; ask < 10; ask++) {
    loop.ask();
    loop.askNow();
  }
  await vi.waitFor(() => expect(runs).toBe(2), soon);
  await new Promise((wake) => setTimeout(wake, 60));
  expect([runs, most]).toEqual([2, 1]);
});

test("a run that failed is told and tried again until it succeeds", async () => {
  let runs = 0;
  const { loop, log } = loopOf(async () => {
    if (++runs < 2) throw new Error("the database is away");
  });
  loop.ask();
  await loop.firstSuccess;
  expect(runs).toBe(2);
  expect(log.lines).toMatchObject([{ level: "error", message: "work failed, trying again" }]);
  await loop[Symbol.asyncDispose]();
});

test("a closed loop has finished its run and begins no other", async () => {
  let [begun, finished] = [0, 0];
  const { loop } = loopOf(async () => {
    begun++;
    await new Promise((wake) => setTimeout(wake, 20));
    finished++;
  });
  loop.askNow();
  loop.ask();
  await loop[Symbol.asyncDispose]();
  loop.ask();
  loop.askNow();
  await new Promise((wake) => setTimeout(wake, 30));
  expect([begun, finished]).toEqual([1, 1]);
});

test("who waits for a run has one that began after the asking and succeeded", async () => {
  let begun = 0;
  const { loop } = loopOf(async () => {
    const run = ++begun;
    await new Promise((wake) => setTimeout(wake, 20));
    if (run === 2) throw new Error("the database is away");
  });
  loop.askNow();
  await loop.runToEnd();
  expect(begun).toBe(3);
  await loop[Symbol.asyncDispose]();
  await loop.runToEnd();
  expect(begun).toBe(3);
});
