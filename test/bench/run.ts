/**
 * `npm run bench [-- --rounds 3 --seconds 6 --only sluice,lean --json FILE]`: gateways side by side in one run. The gateway is alone
 * on core 0; mock and load share core 1. Rounds are interleaved, so that what the machine does in between hits all alike.
 */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Gateway, StartInput, Target } from "./gateways/gateway.ts";
import { jsonMockCommand, nginx } from "./gateways/nginx.ts";
import { lean, naive } from "./gateways/node-proxies.ts";
import { onPath } from "./gateways/on-path.ts";
import { portkey } from "./gateways/portkey.ts";
import { sluice, sluiceCrowded, sluiceGoverned } from "./gateways/sluice.ts";
import { type Cell, measureDirect, measureGateway, type Plan } from "./measure.ts";
import { report } from "./report.ts";
import { loadCore, startPinned } from "./rig/pinned-process.ts";
import { waitUntilServing } from "./rig/serving.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "6" },
    streams: { type: "string", default: "256" },
    only: { type: "string" },
    json: { type: "string" },
  },
});
const plan: Plan = { seconds: Number(values.seconds), streams: Number(values.streams), rates: [350, 1000] };
const all: readonly Gateway[] = [nginx, naive, lean, portkey, sluice, sluiceGoverned, sluiceCrowded];
const only = values.only?.split(",");

for (const program of ["wrk", "nginx", "taskset"]) {
  if (!onPath(program))
    stop(`${program} is missing. The bench needs Linux with wrk and nginx: apt-get install wrk nginx-light util-linux`);
}
if (availableParallelism() < 2) stop("The bench needs two cores: one for the gateway, one for mock and load.");
const unknown = only?.filter((name) => !all.some((gateway) => gateway.name === name)) ?? [];
if (unknown.length > 0)
  stop(`There is no gateway ${unknown.join(", ")}; known are ${all.map((gateway) => gateway.name).join(", ")}.`);

const chosen = all.filter((gateway) => {
  if (only !== undefined && !only.includes(gateway.name)) return false;
  const reason = gateway.missing();
  if (reason !== undefined) console.log(`not measured: ${gateway.name}: ${reason}`);
  return reason === undefined;
});

const work = mkdtempSync(join(tmpdir(), "sluice-bench-"));
const cells: Cell[] = [];
try {
  for (let round = 1; round <= Number(values.rounds); round++) await oneRound(round);
} finally {
  rmSync(work, { recursive: true, force: true });
}

const results = {
  date: new Date().toISOString(),
  machine: `${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}`,
  node: process.version,
  plan,
  gateways: Object.fromEntries(all.map(({ name, what }) => [name, what])),
  cells,
};
console.log(`\n${report(results)}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 1)}\n`);
process.exit(0);

async function oneRound(round: number): Promise<void> {
  const [jsonPort, streamPort] = [9100, 9101];
  const mockFolder = mkdtempSync(join(work, "mock-"));
  const log = join(work, "mock.log");
  await using _json = startPinned({ core: loadCore, command: jsonMockCommand(mockFolder, jsonPort), log });
  await using _streams = startPinned({
    core: loadCore,
    command: [process.execPath, join(import.meta.dirname, "rig/stream-mock.ts"), String(streamPort)],
    log,
  });
  const mocks = { json: `http://127.0.0.1:${jsonPort}`, streams: `http://127.0.0.1:${streamPort}` };
  const direct = (origin: string): Target => ({
    url: `${origin}/v1/chat/completions`,
    model: "gpt-4o-mini",
    headers: {},
  });
  for (const origin of Object.values(mocks))
    await waitUntilServing(direct(origin), () => (existsSync(log) ? undefined : "the mock has no log"));
  cells.push({ round, name: "direct", ...(await measureDirect(direct(mocks.json), direct(mocks.streams), plan)) });
  console.log(`round ${round}: direct`);
  for (const gateway of chosen) {
    const start = (streaming: boolean, port: number): StartInput => ({
      upstream: streaming ? mocks.streams : mocks.json,
      port,
      folder: mkdtempSync(join(work, `${gateway.name}-`)),
      streaming,
    });
    cells.push({
      round,
      name: gateway.name,
      ...(await measureGateway(gateway, start, plan, join(work, `${gateway.name}.log`))),
    });
    console.log(`round ${round}: ${gateway.name}`);
  }
}

function stop(message: string): never {
  console.error(message);
  process.exit(2);
}
