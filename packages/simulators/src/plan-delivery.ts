/**
 * Turns a reply and its knobs into what goes over the wire and when: a pure function, so that every fault is a list to read.
 * `deliver.ts` only carries the list out.
 */

import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { seededRandom } from "./answer/seeded-random.ts";
import type { Knobs } from "./knobs/knobs.ts";
import type { Headers, Reply, StreamEvent } from "./reply.ts";

export type Delivery = {
  /** Absent: not even a status line is sent. */
  readonly head: { readonly status: number; readonly headers: Headers; readonly atMs: number } | undefined;
  /** `atMs`: milliseconds after the request, not after the write before. */
  readonly writes: readonly { readonly bytes: Buffer; readonly atMs: number }[];
  /** `end`: properly. `reset`: TCP RST. `hang-up`: TCP FIN, framing unfinished. `stall`: never. */
  readonly ending: "end" | "reset" | "hang-up" | "stall";
};

const page = "<!DOCTYPE html>\n<html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>\n";

export function planDelivery(reply: Reply, knobs: Knobs, request: { digest: string; acceptsGzip: boolean }): Delivery {
  if (knobs.silent) return { head: undefined, writes: [], ending: "stall" };
  if (knobs.reset) return { head: undefined, writes: [], ending: "reset" };

  const atMs = knobs.latency ?? 0;
  const firstByteMs = atMs + (knobs["first-byte"] ?? 0);
  if (knobs.garbage) {
    const headers = { "content-type": "text/html; charset=utf-8" };
    return {
      head: { status: knobs.status ?? 200, headers, atMs },
      writes: [{ bytes: Buffer.from(page), atMs: firstByteMs }],
      ending: "end",
    };
  }
  const status = reply.kind === "json" ? reply.status : 200;
  if (knobs["stall-after-headers"])
    return { head: { status, headers: reply.headers, atMs }, writes: [], ending: "stall" };

  const plan = reply.kind === "json" ? planJson(reply.body, knobs, firstByteMs) : planEvents(reply, knobs, firstByteMs);
  let { writes, headers } = { writes: plan.writes, headers: { ...reply.headers, ...plan.headers } };
  if (knobs.gzip && request.acceptsGzip) {
    const bytes = gzipSync(Buffer.concat(writes.map((write) => write.bytes)));
    const { "content-length": _, ...others } = headers;
    headers = { ...others, "content-encoding": "gzip" };
    writes = [{ bytes, atMs: writes.at(-1)?.atMs ?? firstByteMs }];
  }
  if (knobs.drip !== undefined) writes = dripped(writes, knobs.drip);
  else if (knobs["cut-bytes"] !== undefined)
    writes = cut(writes, hash("sha256", `${knobs["cut-bytes"]} ${request.digest}`));
  return { head: { status, headers, atMs }, writes, ending: plan.ending };
}

type Plan = {
  readonly headers: Record<string, string>;
  readonly writes: Delivery["writes"];
  readonly ending: Delivery["ending"];
};

/** A whole body has no events: faults "after n" cut it in its middle. */
function planJson(body: unknown, knobs: Knobs, atMs: number): Plan {
  const bytes = Buffer.from(JSON.stringify(body));
  const half = [{ bytes: bytes.subarray(0, bytes.length >> 1), atMs }];
  if (knobs["truncate-json"]) return { headers: {}, writes: half, ending: "end" };

  const headers = { "content-length": String(bytes.length) };
  const fault = endingAfter(knobs);
  if (fault === undefined) return { headers, writes: [{ bytes, atMs }], ending: "end" };
  return { headers, writes: half, ending: fault.ending === "end" ? "hang-up" : fault.ending };
}

function planEvents(reply: Extract<Reply, { kind: "events" }>, knobs: Knobs, firstByteMs: number): Plan {
  const { wires, ending } = spoiledEvents(reply, knobs);
  const tokenMs = knobs["tokens-per-second"] ? 1000 / knobs["tokens-per-second"] : 0;
  let atMs = firstByteMs;
  const writes = wires.map(({ wire, tokens }, at) => {
    if (at > 0) atMs += tokens * tokenMs + (knobs["gap-ms"] ?? 0);
    return { bytes: Buffer.from(wire), atMs };
  });
  return { headers: {}, writes, ending };
}

type Wire = Pick<StreamEvent, "wire" | "tokens">;

function spoiledEvents(
  reply: Extract<Reply, { kind: "events" }>,
  knobs: Knobs,
): { wires: Wire[]; ending: Delivery["ending"] } {
  const wires: Wire[] = knobs.comments
    ? reply.events.flatMap((event) => [{ wire: ": still working\n\n", tokens: 0 }, event])
    : [...reply.events];
  const error = { wire: reply.errorWire, tokens: 0 };
  if (knobs["content-free-error"]) {
    const opening = reply.events.slice(
      0,
      reply.events.findIndex((event) => event.content),
    );
    return { wires: [...opening, error], ending: "end" };
  }
  if (knobs["error-after"] !== undefined)
    return { wires: [...wires.slice(0, knobs["error-after"]), error], ending: "end" };
  if (knobs["truncate-json"]) {
    const half = wires.slice(0, Math.ceil(wires.length / 2));
    const last = half.pop();
    if (last) half.push({ ...last, wire: `${last.wire.slice(0, last.wire.length >> 1).trimEnd()}\n\n` });
    return { wires: half, ending: "end" };
  }
  const fault = endingAfter(knobs);
  if (fault !== undefined) return { wires: wires.slice(0, fault.events), ending: fault.ending };
  return { wires, ending: "end" };
}

/** `close-after` is a clean end for a stream, whose length nobody was told; for a body of a told length it is a hang-up. */
function endingAfter(knobs: Knobs): { events: number; ending: Delivery["ending"] } | undefined {
  if (knobs["reset-after"] !== undefined) return { events: knobs["reset-after"], ending: "reset" };
  if (knobs["hang-up-after"] !== undefined) return { events: knobs["hang-up-after"], ending: "hang-up" };
  if (knobs["close-after"] !== undefined) return { events: knobs["close-after"], ending: "end" };
  if (knobs["stall-after"] !== undefined) return { events: knobs["stall-after"], ending: "stall" };
  return undefined;
}

function dripped(writes: Delivery["writes"], byteMs: number): Delivery["writes"] {
  const bytes = Buffer.concat(writes.map((write) => write.bytes));
  const startMs = writes[0]?.atMs ?? 0;
  return Array.from(bytes, (byte, at) => ({ bytes: Buffer.of(byte), atMs: startMs + at * byteMs }));
}

/** Pieces of 1 to 96 bytes that know nothing of events or characters. A piece comes when its last byte would have. */
function cut(writes: Delivery["writes"], seed: string): Delivery["writes"] {
  const random = seededRandom(seed);
  const pieces: { bytes: Buffer; atMs: number }[] = [];
  let held = Buffer.alloc(0);
  let wanted = 1 + random(pieceBytesMax);
  for (const { bytes, atMs } of writes) {
    held = Buffer.concat([held, bytes]);
    while (held.length >= wanted) {
      pieces.push({ bytes: held.subarray(0, wanted), atMs });
      held = held.subarray(wanted);
      wanted = 1 + random(pieceBytesMax);
    }
  }
  if (held.length > 0) pieces.push({ bytes: held, atMs: writes.at(-1)?.atMs ?? 0 });
  return pieces;
}

const pieceBytesMax = 96;
