/**
 * How many asks the record answers in a second: `node packages/control-plane/test/bench-grants.ts [--on PGlite] [--pods 200]
 * [--seconds 5] [--accounts 1]`. Every pod asks again as soon as it has its answer; all is in one process but the database.
 */

import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { createMemoryBus } from "@sluice/bus";
import type { LimitPlan } from "@sluice/contract";
import { LeaseService } from "../src/leases/lease-service.ts";
import { openPgliteStore, openPostgresStore } from "../src/store/postgres.ts";
import { LeaseAsker, need, totals } from "./lease-asker.ts";
import { realClock, testLog } from "./observed.ts";
import { startPostgres } from "./postgres-server.ts";

const { values } = parseArgs({
  options: {
    on: { type: "string", default: "PostgreSQL" },
    pods: { type: "string", default: "200" },
    accounts: { type: "string", default: "1" },
    seconds: { type: "string", default: "5" },
    durable: { type: "boolean", default: false },
  },
});
const [pods, accounts, seconds] = [Number(values.pods), Number(values.accounts), Number(values.seconds)];

const plan: LimitPlan = {
  ...{ uid: "bench", kind: "Budget", id: "ai/bench", selector: {}, per: ["Service"], overrides: [], mode: "Enforce" },
  rules: [{ name: "usd", unit: "nanoUsd", amount: "9000000000000000000", window: { kind: "lifetime" } }],
  ...{ whenShort: "Reject", maxWaitMs: 0, whenUnavailable: "Refuse", accountsMax: 100_000 },
};

await using stack = new AsyncDisposableStack();
const log = testLog();
const ports = { nowMs: () => Date.now(), log };
const server = values.on === "PGlite" ? undefined : stack.use(await startPostgres({ isDurable: values.durable }));
const store = stack.use(
  server === undefined
    ? await openPgliteStore({}, ports)
    : await openPostgresStore(await server.createDatabase(), ports),
);
const bus = stack.use(createMemoryBus().connect());
const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
const service = stack.use(new LeaseService({ bus, store, clock: realClock, random, log }));
await service.useLimits([plan]);

let [answered, isOver] = [0, false];
const waits: number[] = [];
const runs = Array.from({ length: pods }, async (_, pod) => {
  const asker = new LeaseAsker(bus, createHash("md5").update(`${pod}`).digest("hex"));
  const family = { limit: "bench", rule: "usd", values: [`service-${pod % accounts}`] };
  let [granted, settled] = [0, 0];
  while (!isOver) {
    const beganAt = performance.now();
    const told = totals(family, { granted, settled });
    const { leases } = await asker.ask({ totals: granted === 0 ? [] : [told], asks: [need(family, 10)] });
    granted = leases[0]?.granted ?? granted;
    settled = granted;
    answered += 1;
    waits.push(performance.now() - beganAt);
  }
});
await new Promise((wake) => setTimeout(wake, 1_000));
answered = waits.length = 0;
const cpuBefore = process.cpuUsage();
await new Promise((wake) => setTimeout(wake, seconds * 1_000));
const cpu = process.cpuUsage(cpuBefore);
const total = answered;
isOver = true;
await Promise.all(runs);
waits.sort((a, b) => a - b);
const percentile = (share: number) => Math.round(waits[Math.floor(waits.length * share)] ?? 0);
console.log(
  `${values.on}: ${Math.round(total / seconds)} grants/s; ${pods} pods, ${accounts} accounts; ` +
    `p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms; control plane ${Math.round((cpu.user + cpu.system) / seconds / 10_000)} % of a core`,
);
const problems = log.lines.filter(({ level }) => level !== "info");
if (problems.length > 0) console.log(problems.slice(0, 5));
