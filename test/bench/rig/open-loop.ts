/**
 * Load at a constant rate, whatever the answers take: for added latency. A call's time counts from when it was due, so that a
 * stall is charged to every call that it held up. A program of its own, on the load's core:
 *   node open-loop.ts URL RATE SECONDS   with BENCH_HEADERS and BENCH_BODY; prints one line of JSON, milliseconds.
 */

import { Pool } from "undici";
import { headersOf, percentiles } from "./chat.ts";

const [url = "", rateText, secondsText] = process.argv.slice(2);
const rate = Number(rateText);
const seconds = Number(secondsText);
const { origin, pathname } = new URL(url);
const headers = headersOf(process.env.BENCH_HEADERS ?? "");
const body = process.env.BENCH_BODY ?? "";
const pool = new Pool(origin, { connections: 256, pipelining: 1 });

const warmUpCalls = rate * 2;
const calls = rate * seconds + warmUpCalls;
const times: number[] = [];
let failed = 0;
let under = 0;
const begun = performance.now();
for (let sent = 0; sent < calls; ) {
  const due = Math.min(calls, Math.floor(((performance.now() - begun) / 1000) * rate));
  for (; sent < due; sent++) void call(sent);
  await new Promise((resolve) => setImmediate(resolve));
}
while (under > 0) await new Promise((resolve) => setTimeout(resolve, 10));
console.log(JSON.stringify({ calls: times.length, failed, ...percentiles(times) }));
process.exit(0);

async function call(index: number): Promise<void> {
  const dueAt = begun + (index / rate) * 1000;
  under++;
  try {
    const answer = await pool.request({
      method: "POST",
      path: pathname,
      headers: { "content-type": "application/json", ...headers },
      body,
    });
    await answer.body.dump();
    if (answer.statusCode !== 200) failed++;
    else if (index >= warmUpCalls) times.push(performance.now() - dueAt);
  } catch {
    failed++;
  } finally {
    under--;
  }
}
