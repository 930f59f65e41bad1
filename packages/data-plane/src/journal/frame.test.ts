import { expect, test } from "vitest";
import { frameHeadBytes, putFrame, scanFrames } from "./frame.ts";

const texts = ['{"a":1}', '{"text":"ä😀{}"}', `{"long":"${"x".repeat(300)}"}`];

function fileOf(given: readonly string[], roomBytes = 0): Buffer {
  let sequence = 2 ** 32 - 1; // numbers of both halves of a u64
  const parts = given.map((text) => {
    const buffer = Buffer.alloc(frameHeadBytes + 3 * text.length);
    return buffer.subarray(0, putFrame(buffer, sequence++, text));
  });
  return Buffer.concat([...parts, Buffer.alloc(roomBytes)]);
}

test("records are found as they were written, whatever room follows", () => {
  for (const room of [0, 1, 17, 5_000]) {
    const scan = scanFrames(fileOf(texts, room));
    expect(scan).toMatchObject({ damaged: false, cutOff: false });
    expect(scan.frames.map(({ text }) => text)).toEqual(texts);
    expect(scan.frames.map(({ sequence }) => sequence)).toEqual([2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1]);
  }
});

test("a last record that is cut off at any byte is left out, and nothing is called damaged", () => {
  const whole = fileOf(texts);
  const before = fileOf(texts.slice(0, 2)).length;
  for (let end = before; end < whole.length; end++) {
    for (const room of [0, 4_096]) {
      const scan = scanFrames(Buffer.concat([whole.subarray(0, end), Buffer.alloc(room)]));
      expect(scan.frames.map(({ text }) => text)).toEqual(texts.slice(0, 2));
      expect(scan.damaged, `cut at ${end}`).toBe(false);
      // The first bytes of a length may be zeros themselves, as room is.
      if (end > before + 4) expect(scan.cutOff).toBe(true);
    }
  }
});

test("a byte that is wrong anywhere is damage, and costs its own record alone", () => {
  const whole = fileOf(texts);
  const ends = [1, 2, 3].map((count) => fileOf(texts.slice(0, count)).length);
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 0x55;
    const hit = ends.findIndex((end) => at < end);
    const scan = scanFrames(bytes);
    expect(scan.frames.map(({ text }) => text)).toEqual(texts.filter((_text, index) => index !== hit));
    // A length that is wrong in the last record may say that it was cut off: then its last byte is beyond the file.
    expect(scan.damaged || scan.cutOff, `byte ${at}`).toBe(true);
    if (hit < 2) expect(scan.damaged).toBe(true);
  }
});

test("records after a page of zeros are found", () => {
  const many = Array.from({ length: 100 }, (_value, index) => `{"number":${index},"text":"${"y".repeat(200)}"}`);
  const bytes = fileOf(many, 8_192);
  bytes.fill(0, 4_096, 8_192);
  const scan = scanFrames(bytes);
  expect(scan.damaged).toBe(true);
  expect(scan.frames.at(0)?.text).toBe(many[0]);
  expect(scan.frames.at(-1)?.text).toBe(many.at(-1));
  expect(scan.frames.length).toBeGreaterThan(75);
});

test.for([
  ["nothing", Buffer.alloc(0)],
  ["zeros", Buffer.alloc(10_000)],
  ["letters", Buffer.from("{".repeat(5_000))],
  ["lengths beyond all bounds", Buffer.alloc(5_000, 0xff)],
] as const)("%s is no record", ([, bytes]) => {
  expect(scanFrames(bytes).frames).toEqual([]);
});
