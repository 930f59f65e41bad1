/**
 * The request's body, whole: what is judged must be what goes up. Bounded in bytes by the Gateway, in time by a slowest rate,
 * so that a caller who drips bytes holds a place for a while only.
 */

import type { Deadlines, Timed } from "../deadlines.ts";
import { type Exchange, refuse } from "../exchange.ts";
import type { Refusal } from "../refusal.ts";

/** A body has this long, and longer by its size at the slowest rate. */
const graceMs = 10_000;
const slowestBytesPerMs = 1024 / 1000;

export function readBody(exchange: Exchange, deadlines: Deadlines): Promise<Exchange> {
  const { incoming, gateway } = exchange;
  const bytesMax = gateway?.plan.bodyBytesMax ?? 0;
  const tooLarge: Refusal = { code: "body_too_large", gateway: gateway?.plan.id ?? "", bytesMax };
  if ((exchange.headers?.contentLength ?? 0) > bytesMax) return Promise.resolve(refuse(exchange, tooLarge));

  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const timed: Timed = {
      place: -1,
      check: (now) => {
        if (now - exchange.startedAt > graceMs + bytes / slowestBytesPerMs) end({ code: "body_too_slow" });
      },
    };
    let over = false;
    const end = (refusal?: Refusal) => {
      if (over) return;
      over = true;
      deadlines.remove(timed);
      if (refusal !== undefined) refuse(exchange, refusal);
      else exchange.body = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, bytes);
      resolve(exchange);
    };
    const onData = (part: Buffer) => {
      if (over) return;
      bytes += part.length;
      if (bytes > bytesMax) end(tooLarge);
      else parts.push(part);
    };
    const onEnd = () => end();
    // Comes after `end` too, for a body that was read.
    const onClose = () => {
      if (!over) exchange.gone = true;
      end();
    };
    deadlines.add(timed);
    incoming.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}
