/**
 * AlertStore: the part of the Store that remembers which thresholds were crossed, so that of several replicas one tells it
 * and no restart tells it again, and what is still to be sent to its receiver.
 */

/** What happened to a resource, for people. `id` makes it one: a second event of that id changes nothing. */
export type ResourceEvent = {
  readonly id: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
};

/** A threshold of an account, crossed. */
export type Alert = {
  /** The same on every replica and at every attempt. */
  readonly id: string;
  readonly limitUid: string;
  readonly account: string;
  readonly atPercent: number;
  readonly body: string;
  /** A digest of the receiver's address; null: nobody is told. */
  readonly receiver: string | null;
  readonly firedAtMs: number;
  /** When its window ends; null: never. Until then it is fired once. */
  readonly endsAtMs: number | null;
};

/** `attempts`: with the one that it was claimed for. */
export type ClaimedAlert = Alert & { readonly attempts: number };

export type AlertStore = {
  /** Keeps those that were not there, each with its event. Answers their ids, in no order. */
  fireAlerts(fired: readonly { readonly alert: Alert; readonly event: ResourceEvent }[]): Promise<string[]>;
  /**
   * Takes some that are due, for `leaseMs`: nobody else has them meanwhile. Thresholds of one account go to one receiver in
   * ascending order: the next is due only when the one before is done with.
   */
  claimAlerts(how: { nowMs: number; leaseMs: number; limit: number }): Promise<ClaimedAlert[]>;
  /** `nextAtMs` null: it is done with, delivered or given up. */
  settleAlert(
    id: string,
    outcome: { deliveredAtMs: number } | { failure: string; nextAtMs: number | null },
  ): Promise<void>;
  /** When the next alert is due; undefined: none is waiting. */
  nextAlertAtMs(): Promise<number | undefined>;
  recordEvents(events: readonly ResourceEvent[]): Promise<void>;
  /** Newest first. */
  listEvents(filter: {
    limit: number;
    kind?: string;
    namespace?: string;
    name?: string;
    sinceMs?: number;
  }): Promise<ResourceEvent[]>;
  /** Events before `beforeMs` go, and all but the newest `eventsMax`; and alerts of windows that ended before, once they are done with. */
  forgetEvents(beforeMs: number, eventsMax: number): Promise<void>;
};
