/**
 * A process with a journal and a spool, and no traffic but its own: `node books-process.ts <folder> <boot id> <act>`. The file
 * `upstream` in the folder is the provider's own book: a line for each call that reached it. It serves until it is killed.
 */

import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { createMemoryBus } from "@sluice/bus";
import { Journal, JournalUnavailable } from "../src/journal/journal.ts";
import type { JournalRecord } from "../src/journal/record.ts";
import { UsageSpool } from "../src/spool/usage-spool.ts";

const [folder = "", bootId = "", act = "serve"] = process.argv.slice(2);
const lease = "0@limit/usd";
const worst = 10;
const cost = 3;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const { journal, predecessor } = Journal.open({ folder: join(folder, "journal"), bootId, owner: "pod", log: quiet });
const instance = randomBytes(16).toString("hex");
const bus = createMemoryBus().connect();
const spool = new UsageSpool({
  ...{ folder: join(folder, "spool"), instance, bus, log: quiet },
  onWritten: (seq) => journal.append({ kind: "spooled", seq }),
  onFolded: (fromSeq, events) => journal.append({ kind: "folded", fromSeq, events }),
});

await takeOver();
await spool.start();
await { serve, fill, spoolOnly, finish, once }[act as "serve"]?.();

async function takeOver(): Promise<void> {
  tell({
    took: predecessor?.complete ?? "nothing",
    flaws: predecessor?.flaws ?? [],
    open: predecessor?.open.length ?? 0,
  });
  if (predecessor?.head !== undefined) await spool.recoverInto(predecessor.head.instance, predecessor.events);
  // What was under way may have cost its worst case, and its record is ours.
  const unknown = predecessor?.open.map((open) => membersOf(open.attempt, worst, "ProcessKilled")) ?? [];
  const leases = (predecessor?.leases ?? []).map((one) => ({
    ...one,
    settled: one.settled + (predecessor?.open.length ?? 0) * worst,
  }));
  const incarnation = (predecessor?.head?.incarnation ?? 0) + 1;
  const events = unknown.map((members, index) => ({ seq: index + 1, members }));
  journal.begin({ session: "s", incarnation, secret: "x", instance, leases, events });
  for (const members of unknown) spool.record(members);
}

/** Some calls at a time, each some turns of the event loop long. */
async function serve(): Promise<void> {
  journal.append({
    kind: "grant",
    leases: [{ key: lease, granted: 10_000_000, returned: 0, settled: 0, endsAtMs: null }],
  });
  tell({ serving: true });
  const underWay: string[] = [];
  for (let count = 1; ; count++) {
    const attempt = `${instance.slice(0, 8)}-${count}`;
    reserveAndSend(attempt);
    underWay.push(attempt);
    if (underWay.length >= 5) settle(underWay.shift() ?? "");
    if (count % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (count % 300 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Kills itself at a point of a call, told by the fourth argument. */
async function once(): Promise<void> {
  const point = process.argv[5];
  const attempt = "only";
  if (point === "before the reservation") process.kill(process.pid, "SIGKILL");
  journal.append(reservation(attempt));
  if (point === "after the reservation") process.kill(process.pid, "SIGKILL");
  appendFileSync(join(folder, "upstream"), `${attempt}\n`);
  if (point === "mid-stream") process.kill(process.pid, "SIGKILL");
  settle(attempt);
  process.kill(process.pid, "SIGKILL");
}

/** As many open reservations as the disk takes, then their settlements. */
async function fill(): Promise<void> {
  const open: string[] = [];
  let refused: unknown;
  while (refused === undefined) {
    const attempt = `r${open.length + 1}`;
    try {
      reserveAndSend(attempt, "x".repeat(2_000));
      open.push(attempt);
    } catch (error) {
      refused = error;
    }
  }
  let settled = 0;
  for (const attempt of open) {
    settle(attempt, "x".repeat(1_000));
    settled++;
  }
  reserveAndSend("again");
  settle("again");
  await spool.close(0);
  journal.close();
  tell({ open: open.length, settled, refused: refused instanceof JournalUnavailable, state: spool.state });
  process.exit(0);
}

/** More events than one file takes. */
async function spoolOnly(): Promise<void> {
  for (let count = 1; count <= 300; count++) {
    spool.record(membersOf(`r${count}`, cost, "x".repeat(1_000)));
    if (count % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 40));
  }
  tell({ seq: spool.nextSeq - 1 });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await spool.close(0);
  process.exit(0);
}

async function finish(): Promise<void> {
  await spool.close(0);
  journal.close();
  process.exit(0);
}

function reserveAndSend(attempt: string, filling = ""): void {
  journal.append(reservation(attempt, filling));
  appendFileSync(join(folder, "upstream"), `${attempt}\n`);
}

function reservation(attempt: string, filling = ""): JournalRecord {
  const exchange = `"requestId":"${attempt}","filling":"${filling}"`;
  return { kind: "reserve", attempt, exchange, holds: [[lease, worst]], worst: { costNanoUsd: worst } };
}

function settle(attempt: string, filling = ""): void {
  const members = membersOf(attempt, cost, filling);
  const event = { seq: spool.nextSeq, members };
  journal.append({ kind: "settle", attempt, charges: [[lease, cost]], event });
  spool.record(members);
}

function membersOf(requestId: string, costNanoUsd: number, code: string): string {
  const members = { requestId, startedAtMs: 1, protocol: "openai", costNanoUsd, charges: [[lease, costNanoUsd]], code };
  return JSON.stringify(members).slice(1, -1);
}

function tell(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
