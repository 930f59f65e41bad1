import fc from "fast-check";
import { expect, test } from "vitest";
import { EventSplitter, EventTooLong, eventBytesMax } from "./event-splitter.ts";

function split(stream: Buffer, cuts: readonly number[]): { events: string[]; rest: string } {
  const splitter = new EventSplitter();
  const events: string[] = [];
  let start = 0;
  for (const cut of [...cuts.map((at) => at % (stream.length + 1)), stream.length].sort((one, other) => one - other)) {
    events.push(...splitter.push(stream.subarray(start, cut)).map(String));
    start = cut;
  }
  return { events, rest: splitter.rest().toString() };
}

const line = fc.constantFrom("data: {}", "event: ping", ": comment", "data: é", "id: 7");
const event = fc.array(line, { minLength: 1, maxLength: 3 });
const cuts = fc.array(fc.nat(), { maxLength: 12 });

test.for(["\n", "\r\n", "\r"])("events are whole wherever the network cuts them, with lines ending in %j", (ending) => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 6 }), cuts, (all, at) => {
      const texts = all.map((lines) => lines.map((text) => text + ending).join("") + ending);
      const { events, rest } = split(Buffer.from(`${texts.join("")}data: last`), at);
      expect(events).toEqual(texts);
      expect(rest).toBe("data: last");
    }),
  );
});

test("no byte is lost, added or moved, whatever comes", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(..."\r\n\n:dx "), { maxLength: 80 }), cuts, (characters, at) => {
      const stream = Buffer.from(characters.join(""));
      const { events, rest } = split(stream, at);
      expect(events.join("") + rest).toBe(stream.toString());
    }),
    { numRuns: 1000 },
  );
});

test("where the cuts are makes no difference", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(..."\r\n\nd"), { maxLength: 60 }), cuts, (characters, at) => {
      const stream = Buffer.from(`${characters.join("")}end`);
      expect(split(stream, at)).toEqual(split(stream, []));
    }),
    { numRuns: 1000 },
  );
});

test("an event without an end is given up, not held for ever", () => {
  const splitter = new EventSplitter();
  const megabyte = Buffer.alloc(1024 * 1024, "x");
  expect(() => {
    for (let sent = 0; sent <= eventBytesMax; sent += megabyte.length) splitter.push(megabyte);
  }).toThrow(EventTooLong);
});
