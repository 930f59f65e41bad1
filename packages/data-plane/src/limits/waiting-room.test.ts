import { expect, test } from "vitest";
import { WaitingRoom } from "./waiting-room.ts";

/** A room in which so many may be served; who was is told in order. */
function shop(room: number) {
  const waiting = new WaitingRoom();
  const served: string[] = [];
  const state = { room };
  const enter = (key: string, name: string, need = 1) =>
    waiting.enter({
      key,
      attempt() {
        if (state.room < need) return false;
        state.room -= need;
        served.push(name);
        return true;
      },
    });
  return { waiting, served, state, enter };
}

test("of each key the first has its turn before any other's second", () => {
  const { waiting, served, state, enter } = shop(0);
  for (let index = 1; index <= 100; index++) enter("loud", `loud${index}`);
  enter("quiet", "quiet1");
  enter("quiet", "quiet2");
  enter("shy", "shy1");
  state.room = 6;
  waiting.serveAll();
  expect(served).toEqual(["loud1", "quiet1", "shy1", "loud2", "quiet2", "loud3"]);
  expect(waiting.size).toBe(97);
});

test("a key that was served last time comes after those that were not", () => {
  const { waiting, served, state, enter } = shop(0);
  for (const name of ["a1", "a2", "a3"]) enter("a", name);
  for (const name of ["b1", "b2", "b3"]) enter("b", name);
  for (let turn = 0; turn < 6; turn++) {
    state.room = 1;
    waiting.serve();
  }
  expect(served).toEqual(["a1", "b1", "a2", "b2", "a3", "b3"]);
  expect(waiting.size).toBe(0);
});

test("who needs more than there is holds up its own line alone", () => {
  const { waiting, served, state, enter } = shop(0);
  enter("a", "large", 10);
  enter("a", "behind");
  enter("b", "small");
  state.room = 2;
  waiting.serveAll();
  expect(served).toEqual(["small"]);
  expect(waiting.size).toBe(2);
});

test("who waits no longer leaves, wherever it stands in its line", () => {
  const { waiting, served, state, enter } = shop(0);
  for (const name of ["a1", "a2", "a3"]) enter("a", name);
  enter("b", "b1");
  let asked = 0;
  waiting.expire(() => ++asked === 2 || asked === 4);
  expect(waiting.size).toBe(2);
  state.room = 9;
  waiting.serveAll();
  expect(served).toEqual(["a1", "a3"]);
  expect(waiting.size).toBe(0);
});

test("who comes while others are served has its turn next", () => {
  const { waiting, served, state, enter } = shop(0);
  waiting.enter({
    key: "a",
    attempt() {
      served.push("a1");
      enter("a", "a2");
      return true;
    },
  });
  state.room = 1;
  waiting.serveAll();
  expect(waiting.size).toBe(1);
  waiting.serveAll();
  expect(served).toEqual(["a1", "a2"]);
});
