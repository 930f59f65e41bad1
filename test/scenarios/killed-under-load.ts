/**
 * `sluice up` as a process, killed again and again while calls are under way; the vendor is another process's, so its bill
 * outlives every kill. In the end the books are compared with the bill, call by call.
 */

import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { virtualKeyFrom, virtualKeyHash } from "@sluice/contract";
import { createSimulator } from "@sluice/simulators";
import OpenAI from "openai";
import { expect } from "vitest";
import { SluiceProcess } from "../../packages/cli/test/sluice-process.ts";
import { entryNanoUsd } from "./bill.ts";
import { eventually } from "./eventually.ts";
import { nanoUsd } from "./nano-usd.ts";

const callers = 16;
const outputTokensMax = 200;
/** A kill comes when so many calls have been answered since the start, and some milliseconds later. */
const servedMin = 40;
const laterMsMax = 60;
/** Worst of a call: all bytes read and the whole answer written, both in the dearest service tier; and a margin. */
const worstNanoUsd = 6_000_000n;

type Record = {
  readonly id: string;
  readonly run?: string;
  readonly costUsd?: string;
  readonly heldUsd?: string;
  readonly billingReason?: string;
};
type Page<Item> = { readonly items: readonly Item[]; readonly cursor?: string };

export async function survivesKills(kills: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-killed-"));
  await using simulator = createSimulator({
    recordedMax: 100_000,
    behaviour: () => ({ tokens: 150, latency: 40, "gap-ms": 1 }),
  });
  const { openaiUrl } = await simulator.listen();
  const key = virtualKeyFrom(Buffer.alloc(32, 1));
  await mkdir(join(folder, "resources"), { mode: 0o700 });
  await writeFile(join(folder, "resources/all.yaml"), resources(openaiUrl, virtualKeyHash(key)));
  try {
    let call = 0;
    let interrupted = 0;
    const refused: unknown[] = [];
    const served = new Set<string>();
    for (let kill = 0; kill < kills; kill++) {
      const up = await start(folder);
      const client = new OpenAI({ apiKey: key, baseURL: `${up.url}/v1`, maxRetries: 0 });
      let isUp = true;
      const load = Array.from({ length: callers }, async () => {
        while (isUp) {
          const run = `call-${++call}`;
          try {
            await answer(client, run, call % 2 === 0);
            served.add(run);
          } catch (error) {
            if (error instanceof OpenAI.APIError && error.status !== undefined) refused.push(error);
            else interrupted++;
          }
        }
      });
      const servedBefore = served.size;
      await eventually("answers", () => served.size >= servedBefore + servedMin);
      await new Promise((wake) => setTimeout(wake, (laterMsMax * kill) / kills));
      isUp = false;
      await up.process.stop("SIGKILL");
      await Promise.all(load);
    }
    expect(refused).toEqual([]);
    expect(interrupted).toBeGreaterThanOrEqual(kills);

    const up = await start(folder);
    const billed = billedByRun(simulator);
    const records = await recordsOf(up, [...billed.keys()]);
    const ledger = records.reduce(
      (sum, { costUsd = "0", heldUsd = "0" }) => sum + nanoUsd(costUsd) + nanoUsd(heldUsd),
      0n,
    );
    const bill = [...billed.values()].reduce((sum, cost) => sum + cost, 0n);
    expect(ledger).toBeGreaterThanOrEqual(bill);
    expect(ledger).toBeLessThanOrEqual(bill + BigInt(interrupted) * worstNanoUsd);

    const byRun = Map.groupBy(records, ({ run = "" }) => run);
    for (const [run, own] of byRun) expect(own, `records of ${run}`).toHaveLength(1);
    for (const run of served) {
      const { costUsd, billingReason } = byRun.get(run)?.[0] ?? {};
      // A caller may have read the end of an answer that the gateway had no time to settle.
      if (billingReason !== "ProcessKilled") expect(costUsd, run).toBe(decimal(billed.get(run) ?? -1n));
    }
    for (const [run, cost] of billed) {
      const { costUsd = "0", heldUsd = "0" } = byRun.get(run)?.[0] ?? {};
      expect(nanoUsd(costUsd) + nanoUsd(heldUsd), run).toBeGreaterThanOrEqual(cost);
    }

    // Calls that were under way count at their worst until it is known better.
    const killed = records.filter(({ billingReason }) => billingReason === "ProcessKilled");
    expect(killed.length).toBeGreaterThanOrEqual(kills);
    await checkAccount(up, ledger);
    await up.process.stop("SIGTERM");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The balance of the budget is what the ledger knows: no more, as every journal was taken over, and no less. */
async function checkAccount(up: Up, ledger: bigint): Promise<void> {
  await eventually("an account that agrees with the ledger", async () => {
    const path = "/apis/sluice.dev/v1alpha1/namespaces/default/budgets/all";
    const { status } = await up.get<{ status: { top?: readonly { spent?: string; reserved?: string }[] } }>(path);
    const { spent = "0", reserved } = status.top?.[0] ?? {};
    return nanoUsd(spent) === ledger && nanoUsd(reserved ?? "0") === 0n
      ? true
      : `${spent}, ${reserved} reserved, not ${ledger}`;
  });
}

type Up = { readonly process: SluiceProcess; readonly url: string; get<Answer>(path: string): Promise<Answer> };

async function start(folder: string): Promise<Up> {
  const listen = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
  const child = new SluiceProcess(["up", "-o", "json", "--data-dir", folder, ...listen], { cwd: folder });
  const { url, admin } = JSON.parse(await child.said("\n"));
  const token = readFileSync(join(folder, "admin.token"), "utf8").trim();
  return {
    process: child,
    url,
    async get(path) {
      const answered = await fetch(admin + path, { headers: { authorization: `Bearer ${token}` } });
      if (!answered.ok) throw new Error(`${path}: ${answered.status} ${await answered.text()}`);
      return (await answered.json()) as never;
    },
  };
}

async function answer(client: OpenAI, run: string, stream: boolean): Promise<void> {
  const ask = {
    model: "gpt-4o",
    max_completion_tokens: outputTokensMax,
    messages: [{ role: "user" as const, content: run }],
  };
  const options = { headers: { "x-sluice-run": run } };
  if (!stream) return void (await client.chat.completions.create(ask, options));
  let finished: string | null = null;
  for await (const { choices } of await client.chat.completions.create({ ...ask, stream: true }, options))
    finished = choices[0]?.finish_reason ?? finished;
  if (finished === null) throw new OpenAI.APIConnectionError({ message: "the stream was cut" });
}

/** The vendor's bill by what each call said; every call says something else. */
function billedByRun(simulator: ReturnType<typeof createSimulator>): Map<string, bigint> {
  const runs = simulator.requests.map(({ body }) => /call-\d+/.exec(body.toString())?.[0] ?? "");
  return new Map(simulator.bill().map((entry) => [runs[entry.number - 1] ?? "", entryNanoUsd(entry)]));
}

async function recordsOf(up: Up, runs: readonly string[]): Promise<Record[]> {
  let records: Record[] = [];
  await eventually("a record of each call that the vendor saw", async () => {
    records = [];
    let cursor: string | undefined;
    do {
      const after: string = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Page<Record> = await up.get(`/admin/v1/usage?limit=1000${after}`);
      records.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    const known = new Set(records.map(({ run }) => run));
    const missing = runs.filter((run) => !known.has(run));
    return missing.length === 0 ? true : `none of ${missing.length}, as ${missing.slice(0, 3)}`;
  });
  return records;
}

function decimal(cost: bigint): string {
  const fraction = String(cost % 1_000_000_000n).padStart(9, "0");
  return `${cost / 1_000_000_000n}.${fraction.slice(0, 2)}${fraction.slice(2).replace(/0+$/, "")}`;
}

const resources = (openaiUrl: string, hash: string) => `
apiVersion: sluice.dev/v1alpha1
kind: Gateway
metadata: { name: main }
spec: {}
---
apiVersion: sluice.dev/v1alpha1
kind: Provider
metadata: { name: vendor }
spec: { type: OpenAI, baseUrl: "${openaiUrl}", credential: { type: None } }
---
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: all }
spec: { models: ["*"], targets: [{ name: vendor, providerRef: { name: vendor } }], retry: { attempts: 0 } }
---
apiVersion: sluice.dev/v1alpha1
kind: Budget
metadata: { name: all }
spec: { limit: { usd: "50.00" }, window: { calendar: Year } }
---
apiVersion: sluice.dev/v1alpha1
kind: VirtualKey
metadata: { name: load }
spec: { subject: { service: load }, hash: ${hash} }
`;
