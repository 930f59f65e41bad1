/**
 * Whose memory the record is. An epoch names the database, its timeline and the moment it began: a fail-over or a restore is
 * another memory, and a holder that was told more than the record remembers proves that this one has lost something.
 */

import type { EpochState } from "@sluice/limits";
import type { Log } from "../log.ts";
import type { LeaseRows, LeaseStore, StoredLeases } from "../store/lease-store.ts";

export type EpochPorts = {
  readonly store: Pick<LeaseStore, "readLeases" | "writeLeases">;
  readonly nowMs: () => number;
  readonly log: Log;
};

export type RecordRead = StoredLeases & { readonly epoch: EpochState };

const attemptsMax = 10;

/** Reads rows under the epoch of the memory that they come from; where that is a new one, the epoch begins here. */
export async function readRecord(ports: EpochPorts, rows: LeaseRows): Promise<RecordRead> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const read = await ports.store.readLeases(rows);
    const { epoch, memory } = read;
    if (epoch !== undefined && memoryOf(epoch) === memory) return { ...read, epoch };
    await beginEpoch(ports, read, epoch === undefined ? "first" : "another database or timeline");
  }
  throw new Error("The record's epoch changes again and again: is more than one database behind its address?");
}

/** Whoever is first makes it; that somebody else was is no failure. */
export async function beginEpoch(
  { store, nowMs, log }: EpochPorts,
  { memory, epoch: before }: StoredLeases,
  why: "first" | "another database or timeline" | "a holder was told more than the record remembers",
): Promise<void> {
  // After a clock that went back too: never a name that was one before.
  const sinceMs = Math.max(Math.trunc(nowMs()), (before?.sinceMs ?? 0) + 1);
  // A new database has told nothing to anybody: there is nobody to be heard first.
  const doubled = before === undefined;
  const version = before?.version ?? 0;
  const epoch: EpochState = { version, epoch: `${memory}/${sinceMs}`, sinceMs, doubled };
  const changes = { epoch, sessions: [], windows: [], accounts: [] };
  const begun = await store.writeLeases(changes, { memory, epochVersion: version });
  if (begun && before !== undefined)
    log.warn("the record's memory is another one; nothing is granted until its sessions were heard", { why });
}

function memoryOf({ epoch }: EpochState): string {
  return epoch.slice(0, epoch.lastIndexOf("/"));
}
