/**
 * Holds N streams at once, each begun again when it ends, and times their chunks. A program of its own, on the load's core:
 *   node stream-load.ts URL N SECONDS   with BENCH_HEADERS and BENCH_BODY; prints one line of JSON, milliseconds.
 */

import { Pool } from "undici";
import { headersOf, percentiles } from "./chat.ts";
import { chunks } from "./stream-mock.ts";

const [url = "", countText, secondsText] = process.argv.slice(2);
const count = Number(countText);
const { origin, pathname } = new URL(url);
const headers = headersOf(process.env.BENCH_HEADERS ?? "");
const body = process.env.BENCH_BODY ?? "";
const pool = new Pool(origin, { connections: count, pipelining: 1 });
const lifeMs = chunks * 20;
const begun = performance.now();
const measureFrom = begun + 2 * lifeMs;
const endAt = begun + Number(secondsText) * 1000;

const firsts: number[] = [];
const gaps: number[] = [];
let [streams, broken, allChunks] = [0, 0, 0];
await Promise.all(Array.from({ length: count }, (_value, index) => hold(index)));
console.log(JSON.stringify({ streams, broken, allChunks, first: percentiles(firsts), gap: percentiles(gaps) }));
process.exit(0);

async function hold(index: number): Promise<void> {
  // Spread, so that not all begin in one moment.
  await new Promise((resolve) => setTimeout(resolve, (lifeMs * index) / count));
  while (performance.now() < endAt) await one();
}

function one(): Promise<void> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const counted = startedAt >= measureFrom;
    let seen = 0;
    let before = startedAt;
    let tail = "";
    let status = 0;
    const end = () => {
      allChunks += seen;
      if (counted) {
        streams++;
        if (status !== 200 || seen !== chunks || !tail.includes("[DONE]")) broken++;
      }
      resolve();
    };
    pool.dispatch(
      { method: "POST", path: pathname, headers: { "content-type": "application/json", ...headers }, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          status = code;
        },
        onResponseData(_controller, piece) {
          tail = piece.toString("latin1");
          const now = performance.now();
          for (let at = tail.indexOf('" gateway"'); at >= 0; at = tail.indexOf('" gateway"', at + 1)) {
            if (counted) (seen === 0 ? firsts : gaps).push(now - before);
            before = now;
            seen++;
          }
        },
        onResponseEnd: end,
        onResponseError: end,
      },
    );
  });
}
