import fc from "fast-check";
import { expect, test } from "vitest";
import { type Placed, Roster } from "./roster.ts";

test("a roster holds what was added and not removed, each once", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ add: fc.boolean(), which: fc.nat(9) }), { maxLength: 60 }), (steps) => {
      const members = Array.from({ length: 10 }, (): Placed => ({ place: -1 }));
      const roster = new Roster<Placed>();
      const expected = new Set<Placed>();
      for (const { add, which } of steps) {
        const member = members[which] as Placed;
        if (add && !expected.has(member)) {
          roster.add(member);
          expected.add(member);
        } else if (!add) {
          roster.remove(member);
          expected.delete(member);
        }
      }
      const found = new Set<Placed>();
      roster.forEach((member) => {
        found.add(member);
      });
      expect(found).toEqual(expected);
      expect(roster.size).toBe(expected.size);
    }),
  );
});

test("members that are removed while it is gone through are still visited once", () => {
  const roster = new Roster<Placed>();
  const members = Array.from({ length: 5 }, (): Placed => ({ place: -1 }));
  for (const member of members) roster.add(member);
  let visits = 0;
  roster.forEach((member) => {
    visits++;
    roster.remove(member);
  });
  expect([visits, roster.size]).toEqual([5, 0]);
});
