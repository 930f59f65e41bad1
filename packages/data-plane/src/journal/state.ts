/**
 * The books as the journal tells them: the fold of its records. The running journal keeps it, to begin a new segment with;
 * recovery makes it from what is on disk. One function does both, so they can't differ.
 */

import type { JournalBase, JournalEvent, JournalLease, JournalRecord, JournalReserve } from "./record.ts";

export class JournalState {
  readonly #leases = new Map<string, JournalLease>();
  /**
   * In boxes that are emptied: under thousands of additions a second a Map's discarded tables, once they reach V8's old space, keep
   * what they held, and every collection copies it.
   */
  readonly #open = new Map<string, { reserve: JournalReserve | undefined }>();
  /** In the order of their numbers, an instance's among themselves. */
  #events: JournalEvent[] = [];
  #lastEventSeq = 0;

  get leases(): Iterable<JournalLease> {
    return this.#leases.values();
  }

  /** Reservations without a settlement. */
  get open(): Iterable<JournalReserve> {
    return [...this.#open.values()].flatMap(({ reserve }) => reserve ?? []);
  }

  /** Usage events that are not known to be on the spool's disk. */
  get events(): readonly JournalEvent[] {
    return this.#events;
  }

  /** Of the head's instance. */
  get lastEventSeq(): number {
    return this.#lastEventSeq;
  }

  openOf(attempt: string): JournalReserve | undefined {
    return this.#open.get(attempt)?.reserve;
  }

  apply(record: JournalRecord | JournalBase): void {
    switch (record.kind) {
      case "grant":
        for (const lease of record.leases) this.#grant(lease);
        return;
      case "reserve":
        this.#open.set(record.attempt, { reserve: record });
        return;
      case "settle":
        this.#close(record.attempt);
        for (const [key, amount] of record.charges) this.#charge(key, amount);
        if (record.event !== undefined) this.#record(record.event);
        return;
      case "event":
        this.#record(record);
        return;
      case "spooled":
        this.#events = this.#events.filter((event) => event.instance !== record.instance || event.seq > record.seq);
        if (record.instance === undefined) this.#lastEventSeq = Math.max(this.#lastEventSeq, record.seq);
        return;
      case "folded":
        this.#events = this.#events.filter((event) => event.instance !== undefined || event.seq < record.fromSeq);
        this.#lastEventSeq = record.fromSeq - 1;
        for (const event of record.events) this.#record(event);
        return;
      case "return":
        for (const [key, total] of record.returned) this.#return(key, total);
        return;
      case "forget":
        for (const key of record.leases) this.#leases.delete(key);
        return;
      case "base":
        this.#lastEventSeq = Math.max(this.#lastEventSeq, record.lastEventSeq);
        return;
      case "close":
        return;
    }
  }

  #close(attempt: string): void {
    const box = this.#open.get(attempt);
    if (box === undefined) return;
    box.reserve = undefined;
    this.#open.delete(attempt);
  }

  #grant(lease: JournalLease): void {
    const known = this.#leases.get(lease.key);
    if (known === undefined) {
      this.#leases.set(lease.key, lease);
      return;
    }
    this.#leases.set(lease.key, {
      ...known,
      ...told(lease),
      granted: Math.max(known.granted, lease.granted),
      returned: Math.max(known.returned, lease.returned),
      settled: Math.max(known.settled, lease.settled),
    });
  }

  #return(key: string, total: number): void {
    const known = this.#leases.get(key);
    if (known !== undefined && total > known.returned) this.#leases.set(key, { ...known, returned: total });
  }

  /** An account of which nothing was granted is charged too: limits that refuse nothing keep their books like this. */
  #charge(key: string, amount: number): void {
    const known = this.#leases.get(key) ?? { key, granted: 0, returned: 0, settled: 0 };
    this.#leases.set(key, { ...known, settled: known.settled + amount });
  }

  #record({ seq, members, instance }: JournalEvent): void {
    this.#events.push(instance === undefined ? { seq, members } : { seq, members, instance });
    if (instance === undefined) this.#lastEventSeq = Math.max(this.#lastEventSeq, seq);
  }
}

/** What is undefined is not told, and stays as it is: JSON leaves it out as well. */
function told(lease: JournalLease): Partial<JournalLease> {
  return Object.fromEntries(Object.entries(lease).filter(([, value]) => value !== undefined));
}
