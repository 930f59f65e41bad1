/**
 * The record as a world has it: a table of rows with compare-and-set, replicas that read, answer and write with time between,
 * fail-overs that lose the last commits. The logic is the shipped one.
 */

import { accountId, type LeaseReply, type LeaseRequest, type LimitPlan, readAccountId } from "@sluice/contract";
import {
  type AccountState,
  accountsOf,
  amountOf,
  answer,
  closeSilent,
  countUnheard,
  type EpochState,
  endHold,
  type LeaseState,
  type RecordChanges,
  type RecordView,
  rulesOf,
  type SessionState,
  shareLifeMs,
  type WindowState,
} from "../../src/index.ts";
import { SimulationFailure } from "./oracle.ts";
import type { World } from "./world.ts";

type Undo = { readonly atMs: number; readonly run: () => void };
type Mail = { readonly request: LeaseRequest; readonly send: (reply: LeaseReply) => void };

/** A replica takes what comes within so long together. */
const batchMs = 5;
const triesMax = 20;

export class RecordModel {
  readonly #world: World;
  #epoch: EpochState = { version: 1, epoch: "epoch-1", sinceMs: 0, doubled: true };
  #epochs = 1;
  readonly sessions = new Map<string, SessionState>();
  readonly windows = new Map<string, WindowState>();
  readonly accounts = new Map<string, AccountState>();
  #undo: Undo[] = [];
  #hearingSinceMs = 0;
  limits: ReadonlyMap<string, LimitPlan>;
  /** By account and session: the most that was ever committed as granted, lost commits included. */
  readonly #granted = new Map<string, Map<string, bigint>>();
  readonly #inbox: Mail[][] = [];
  isOut = false;
  clockOffsetMs = 0;

  constructor(world: World, limits: ReadonlyMap<string, LimitPlan>) {
    this.#world = world;
    this.limits = limits;
    this.#hearingSinceMs = this.nowMs;
  }

  get nowMs(): number {
    return this.#world.unixMs + this.clockOffsetMs;
  }

  get epoch(): EpochState {
    return this.#epoch;
  }

  receive(replica: number, request: LeaseRequest, send: (reply: LeaseReply) => void): void {
    if (this.isOut) return;
    const waiting = this.#inbox[replica];
    if (waiting !== undefined) {
      waiting.push({ request, send });
      return;
    }
    this.#inbox[replica] = [{ request, send }];
    this.#world.timeline.after(batchMs, () => {
      const batch = this.#inbox[replica] ?? [];
      delete this.#inbox[replica];
      this.#answer(batch, 0);
    });
  }

  /** What a replica does by itself, now and then. */
  tick(): void {
    if (this.isOut) return;
    const { hooks, seen } = this.#world;
    const nowMs = this.nowMs;
    if (!this.#epoch.doubled) {
      const counted = countUnheard({
        epoch: this.#epoch,
        sessions: this.sessions.values(),
        accounts: this.accounts.values(),
        nowMs,
      });
      if (counted.sessions.length > 0) seen.add("unheard session");
      const changes = hooks.skipsDoubling ? { ...counted, accounts: [] } : counted;
      this.#commit(changes, "counting unheard sessions");
      const epoch = endHold(this.#epoch, nowMs);
      if (epoch.doubled) this.#endHold(epoch);
    }
    const factor = hooks.silenceFactor ?? 1;
    const silent = closeSilent({
      sessions: this.sessions.values(),
      accounts: this.accounts.values(),
      limits: this.#limits(),
      nowMs: this.#hearingSinceMs + (nowMs - this.#hearingSinceMs),
      hearingSinceMs: this.#hearingSinceMs,
      ...(factor === 1 ? {} : { nowMs: nowMs + shareLifeMs * factor }),
    });
    for (const session of silent.sessions) if (session.state === "Dead") seen.add("dead session");
    if (silent.accounts.length > 0) seen.add("lease closed by silence");
    this.#commit(silent, "closing silent sessions");
  }

  /** Another node takes over, without the last commits. `keepsEpoch`: nobody notices (a restored copy of the disk). */
  loseCommits(lostMs: number, keepsEpoch: boolean): void {
    const since = this.#world.timeline.nowMs - lostMs;
    let lost = 0;
    while (this.#undo.length > 0 && this.#undo[this.#undo.length - 1]!.atMs >= since) {
      this.#undo.pop()!.run();
      lost += 1;
    }
    this.#world.note(() => `record: ${lost} writes are lost${keepsEpoch ? ", unnoticed" : ""}`);
    if (lost > 0) this.#world.seen.add("lost commits");
    this.#hearingSinceMs = this.nowMs;
    if (keepsEpoch) this.#excuseForgotten(false);
    else this.#newEpoch();
  }

  /** It could not hear: silence counts from now on. */
  hearAgain(): void {
    this.isOut = false;
    this.#hearingSinceMs = this.nowMs;
  }

  #newEpoch(): void {
    const { hooks } = this.#world;
    if (hooks.keepsEpoch) return;
    this.#epochs += 1;
    this.#epoch = {
      version: this.#epochs,
      epoch: `epoch-${this.#epochs}`,
      sinceMs: this.nowMs,
      doubled: hooks.skipsHold ?? false,
    };
    this.#undo = [];
    this.#world.note(() => `record: ${this.#epoch.epoch}`);
  }

  #endHold(epoch: EpochState): void {
    this.#epoch = epoch;
    this.#excuseForgotten(true);
  }

  /** Grants that no session has told of in time, beyond twice what is known: the promise is void there, by design. */
  #excuseForgotten(isCountedTwice: boolean): void {
    for (const [id, sessions] of this.#granted) {
      for (const [session, granted] of sessions) {
        const known = this.accounts.get(id)?.leases.get(session)?.granted ?? 0n;
        const lease = this.accounts.get(id)?.leases.get(session);
        const counted =
          lease === undefined || !isCountedTwice ? 0n : largest(0n, lease.granted - lease.returned - lease.settled);
        const isOver = this.sessions.get(session)?.state === "Closed";
        if (isOver || granted <= known + counted) continue;
        this.#world.oracle.excuse(id, Number(granted - known - counted));
        this.#world.seen.add("forgotten grant");
      }
    }
  }

  #answer(batch: readonly Mail[], tries: number): void {
    if (this.isOut || batch.length === 0) return;
    if (tries > triesMax) throw new SimulationFailure("a batch of requests conflicts for ever");
    const { world } = this;
    const requests = batch.map((mail) => mail.request);
    const view = this.#read(requests);
    const heard = world.hooks.heard ? requests.map((request) => world.hooks.heard!(request, view)) : requests;
    const seenView = world.hooks.view?.(view) ?? view;
    const answered = answer({
      requests: heard,
      limits: this.#limits(),
      amountOf,
      view: seenView,
      nowMs: this.nowMs,
      hash: (text) => text,
    });
    if (answered.epochLost) {
      world.seen.add("record finds out that it has forgotten");
      this.#newEpoch();
      this.#answer(batch, tries + 1);
      return;
    }
    const changes = world.hooks.changes?.(answered.changed, view) ?? answered.changed;
    const limits = this.#limits();
    const write = () => {
      if (this.isOut) return;
      const adopts = heard.some((request) => request.whole);
      if (!this.#isCurrent(changes, view)) {
        world.seen.add("conflict");
        this.#answer(batch, tries + 1);
        return;
      }
      if (!adopts) this.#checkGrants(changes, limits);
      this.#commit(changes, "answering");
      world.note(() => `record: answers ${answered.replies.map(replyText).join(", ")}`);
      for (const [index, reply] of answered.replies.entries()) this.#reply(batch[index]!, reply);
      if (answered.recalls.length > 0) world.recall(answered.recalls);
    };
    if (world.chance("conflicts", 0.5)) world.timeline.after(world.faultRandom.int(1, 30), write);
    else write();
  }

  #reply(mail: Mail, reply: LeaseReply): void {
    const { seen } = this.#world;
    if (reply.kind !== "answered") seen.add(`reply: ${reply.kind}`);
    else {
      if (reply.holdMs > 0) seen.add("hold");
      for (const lease of reply.leases) {
        if (lease.shortage !== undefined) seen.add(`shortage: ${lease.shortage}`);
        if (lease.asked !== undefined) seen.add("other values");
        if (lease.beginsInMs > 0 && lease.granted > lease.returned) seen.add("lease of the next window");
      }
    }
    mail.send(reply);
  }

  get world(): World {
    return this.#world;
  }

  #limits(): ReadonlyMap<string, LimitPlan> {
    const { recordLimit } = this.#world.hooks;
    if (recordLimit === undefined) return this.limits;
    return new Map([...this.limits].map(([uid, plan]) => [uid, recordLimit(plan)]));
  }

  #read(requests: readonly LeaseRequest[]): RecordView {
    const limits = this.#limits();
    const windows = pick(this.windows, rulesOf(requests, limits));
    return {
      epoch: this.#epoch,
      sessions: pick(
        this.sessions,
        requests.map((request) => request.session),
      ),
      windows,
      accounts: pick(this.accounts, accountsOf(requests, { limits, windows, nowMs: this.nowMs })),
    };
  }

  #isCurrent({ sessions, windows, accounts }: RecordChanges, view: RecordView): boolean {
    if (this.#world.hooks.ignoresVersions) return true;
    return (
      view.epoch === this.#epoch &&
      sessions.every((row) => (this.sessions.get(row.session)?.version ?? 0) === row.version) &&
      windows.every((row) => (this.windows.get(row.rule)?.version ?? 0) === row.version) &&
      accounts.every((row) => (this.accounts.get(row.id)?.version ?? 0) === row.version)
    );
  }

  /** A grant never makes committed exceed the limit. Reckoned here anew, not by the shipped sums. */
  #checkGrants({ accounts }: RecordChanges, limits: ReadonlyMap<string, LimitPlan>): void {
    for (const account of accounts) {
      const before = this.accounts.get(account.id);
      let grew = false;
      let committed = account.carried + account.closed - account.expired;
      for (const [session, lease] of account.leases) {
        grew ||= lease.granted > (before?.leases.get(session)?.granted ?? 0n);
        // What has settled beyond its lease was granted by nobody: an overrun, a limit that lets pass.
        const known = before?.leases.get(session);
        committed += largest(
          lease.granted - lease.returned,
          known === undefined ? 0n : smallest(lease.settled, heldOf(known)),
        );
      }
      const amount = limits.get(readAccountId(account.id)!.family.limit)?.rules[0]?.amount ?? "0";
      if (grew && committed > BigInt(amount))
        throw new SimulationFailure(`${account.id}: a grant made committed ${committed}, the limit is ${amount}`);
    }
  }

  #commit(changes: RecordChanges, why: string): void {
    const { timeline } = this.#world;
    for (const row of changes.sessions) this.#put(this.sessions, row.session, { ...row, version: row.version + 1 });
    for (const row of changes.windows) this.#put(this.windows, row.rule, { ...row, version: row.version + 1 });
    for (const row of changes.accounts) {
      this.#checkMonotone(row, why);
      this.#put(this.accounts, row.id, { ...row, version: row.version + 1 });
      const granted = this.#granted.get(row.id) ?? new Map<string, bigint>();
      this.#granted.set(row.id, granted);
      for (const [session, lease] of row.leases)
        if (lease.granted > (granted.get(session) ?? 0n)) granted.set(session, lease.granted);
    }
    while (this.#undo.length > 2_000) this.#undo.shift();
    void timeline;
  }

  #checkMonotone(row: AccountState, why: string): void {
    if (this.#world.hooks.ignoresVersions) return;
    for (const [session, before] of this.accounts.get(row.id)?.leases ?? []) {
      const after = row.leases.get(session);
      if (after === undefined) continue;
      if (after.granted < before.granted || after.returned < before.returned || after.settled < before.settled)
        throw new SimulationFailure(`${row.id}: a total of ${session} fell while ${why}`);
    }
  }

  #put<T>(table: Map<string, T>, key: string, row: T): void {
    const before = table.get(key);
    this.#undo.push({
      atMs: this.#world.timeline.nowMs,
      run: () => (before === undefined ? table.delete(key) : table.set(key, before)),
    });
    table.set(key, row);
  }
}

function pick<T>(table: ReadonlyMap<string, T>, keys: readonly string[]): Map<string, T> {
  const found = new Map<string, T>();
  for (const key of keys) {
    const row = table.get(key);
    if (row !== undefined) found.set(key, row);
  }
  return found;
}

function replyText(reply: LeaseReply): string {
  if (reply.kind !== "answered") return `${reply.kind} ${reply.incarnation}.${reply.sequence}`;
  const leases = reply.leases.map(
    ({ family, window, granted, returned, shortage, free }) =>
      `${accountId(family, window)} ${granted}-${returned} free ${free}${shortage === undefined ? "" : ` ${shortage}`}`,
  );
  return `${reply.incarnation}.${reply.sequence} [${leases.join("; ")}]`;
}

function heldOf({ granted, returned, settled }: LeaseState): bigint {
  return largest(granted - returned, settled);
}

function largest(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function smallest(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}
