/** Carries a delivery out on a real connection: waits, writes at the reader's pace, and stops when the reader goes away. */

import type { ServerResponse } from "node:http";
import type { Delivery } from "./plan-delivery.ts";

/**
 * Resolves when all was sent or the reader is gone; a stalled answer resolves when its reader goes. `generated` is told how many
 * tokens the model has written, before the reader could see them.
 */
export async function deliver(
  delivery: Delivery,
  answer: ServerResponse,
  generated: (tokens: number) => void = () => undefined,
): Promise<void> {
  const { head, writes, ending } = delivery;
  const startedMs = performance.now();
  if (head === undefined) return ending === "reset" ? resetConnection(answer) : untilClosed(answer);

  const only = writes.length === 1 && ending === "end" ? writes[0] : undefined;
  if (head.atMs > 0) await elapsed(startedMs + head.atMs, answer);
  if (answer.destroyed) return;
  answer.writeHead(head.status, head.headers);
  if (only !== undefined && only.atMs <= head.atMs) {
    generated(only.tokens);
    answer.end(only.bytes);
    return;
  }

  answer.flushHeaders();
  for (const { bytes, atMs, tokens } of writes) {
    const dueMs = startedMs + atMs;
    if (dueMs > performance.now()) await elapsed(dueMs, answer);
    if (answer.destroyed) return;
    generated(tokens);
    if (!answer.write(bytes)) await drained(answer);
    // Each write is to be a piece of its own on the network, as a model's are.
    else await nextTurn();
  }
  switch (ending) {
    case "end":
      answer.end();
      return;
    case "reset":
      return resetConnection(answer);
    case "hang-up":
      answer.socket?.end();
      return;
    case "stall":
      return untilClosed(answer);
  }
}

function resetConnection(answer: ServerResponse): void {
  answer.socket?.resetAndDestroy();
}

function untilClosed(answer: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (answer.destroyed) resolve();
    else answer.once("close", resolve);
  });
}

function drained(answer: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      answer.off("drain", done);
      answer.off("close", done);
      resolve();
    };
    answer.on("drain", done);
    answer.on("close", done);
  });
}

function elapsed(dueMs: number, answer: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      answer.off("close", done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, dueMs - performance.now()));
    answer.on("close", done);
  });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
