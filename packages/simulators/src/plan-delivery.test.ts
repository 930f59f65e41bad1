import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { Knobs } from "./knobs/knobs.ts";
import { planDelivery } from "./plan-delivery.ts";
import type { Reply, StreamEvent } from "./reply.ts";

const event = (wire: string, content: boolean): StreamEvent => ({ wire, tokens: content ? 1 : 0, content });
const stream: Reply = {
  kind: "events",
  headers: {},
  events: [
    event("data: {}\n\n", false),
    event('data: {"a":1}\n\n', true),
    event('data: {"b":2}\n\n', true),
    event("data: [DONE]\n\n", false),
  ],
  errorWire: 'data: {"error":{}}\n\n',
};
const whole: Reply = { kind: "json", status: 200, headers: {}, body: { text: "héllo" } };

function plan(reply: Reply, knobs: Knobs, acceptsGzip = false) {
  const delivery = planDelivery(reply, knobs, { digest: "00ff00ff", acceptsGzip });
  const bytes = Buffer.concat(delivery.writes.map((write) => write.bytes));
  return { ...delivery, bytes, text: bytes.toString(), times: delivery.writes.map((write) => write.atMs) };
}

test("without knobs all is sent at once and ends properly", () => {
  expect(plan(stream, {})).toMatchObject({
    text: 'data: {}\n\ndata: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n',
    times: [0, 0, 0, 0],
    ending: "end",
  });
  expect(plan(whole, {})).toMatchObject({
    text: '{"text":"héllo"}',
    head: { status: 200, headers: { "content-length": "17" } },
  });
});

test.for([
  ["silent", { silent: true }, "", "stall"],
  ["reset", { reset: true }, "", "reset"],
  ["stall-after-headers", { "stall-after-headers": true }, "", "stall"],
  ["reset-after", { "reset-after": 1 }, "data: {}\n\n", "reset"],
  ["hang-up-after", { "hang-up-after": 1 }, "data: {}\n\n", "hang-up"],
  ["close-after", { "close-after": 2 }, 'data: {}\n\ndata: {"a":1}\n\n', "end"],
  ["stall-after", { "stall-after": 0 }, "", "stall"],
  ["error-after", { "error-after": 1 }, 'data: {}\n\ndata: {"error":{}}\n\n', "end"],
  ["content-free-error", { "content-free-error": true }, 'data: {}\n\ndata: {"error":{}}\n\n', "end"],
  ["truncate-json", { "truncate-json": true }, "data: {}\n\ndata: {\n\n", "end"],
] as const)("a stream with %s", ([, knobs, text, ending]) => {
  expect(plan(stream, knobs)).toMatchObject({ text, ending });
});

test.for([
  ["reset-after", { "reset-after": 1 }, "reset", "17"],
  ["hang-up-after", { "hang-up-after": 1 }, "hang-up", "17"],
  ["close-after", { "close-after": 1 }, "hang-up", "17"],
  ["truncate-json", { "truncate-json": true }, "end", undefined],
] as const)("a body with %s is cut in half", ([, knobs, ending, length]) => {
  const cut = plan(whole, knobs);
  expect(cut).toMatchObject({ text: '{"text":', ending });
  expect(cut.head?.headers["content-length"]).toBe(length);
});

test("waits add up: before the status line, before the body, between events by their tokens", () => {
  const paced = plan(stream, { latency: 100, "first-byte": 50, "tokens-per-second": 20, "gap-ms": 1 });
  expect(paced.head?.atMs).toBe(100);
  expect(paced.times).toEqual([150, 201, 252, 253]);
});

test("bytes cut at random places are the same bytes, and other pieces for another seed", () => {
  const long: Reply = { ...whole, body: { text: "héllo".repeat(200) } };
  const [one, two] = [plan(long, { "cut-bytes": 1 }), plan(long, { "cut-bytes": 2 })];
  expect(one.bytes.equals(plan(long, {}).bytes)).toBe(true);
  expect(one.writes.length).toBeGreaterThan(10);
  expect(one.writes.map((write) => write.bytes.length)).not.toEqual(two.writes.map((write) => write.bytes.length));
});

test("dripped bytes come one by one", () => {
  expect(plan(whole, { drip: 10 }).times.slice(0, 3)).toEqual([0, 10, 20]);
});

test("a body is compressed for those alone who take it", () => {
  const packed = plan(whole, { gzip: true }, true);
  expect(gunzipSync(packed.bytes).toString()).toBe('{"text":"héllo"}');
  expect(packed.head?.headers).toEqual({ "content-encoding": "gzip" });
  expect(plan(whole, { gzip: true }).text).toBe('{"text":"héllo"}');
});

test("garbage is a page, with the status that was asked for", () => {
  expect(plan(whole, { garbage: true, status: 502 })).toMatchObject({
    head: { status: 502, headers: { "content-type": "text/html; charset=utf-8" } },
  });
  expect(plan(stream, { garbage: true }).text).toContain("<html>");
});

test("comments stand before each event and leave the events whole", () => {
  expect(plan(stream, { comments: true }).text.match(/: still working\n\n/g)).toHaveLength(4);
});
