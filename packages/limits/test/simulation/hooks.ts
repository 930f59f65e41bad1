/** Where a planted bug can reach in: at the edges of the logic, so that what is shipped has no flags. Nothing is set in a sound world. */

import type { LeaseReply, LeaseRequest, LimitPlan } from "@sluice/contract";
import type { HolderSnapshot, RecordChanges, RecordView } from "../../src/index.ts";

export type Hooks = {
  /** A request as its pod sends it. */
  readonly request?: (request: LeaseRequest) => LeaseRequest;
  /** A request as the record reads it. */
  readonly heard?: (request: LeaseRequest, view: RecordView) => LeaseRequest;
  /** A reply as its pod reads it, so long after the request was sent; undefined: it is thrown away. */
  readonly reply?: (reply: LeaseReply, elapsedMs: number) => LeaseReply | undefined;
  /** What a successor finds in the journal. */
  readonly journal?: (snapshot: HolderSnapshot) => HolderSnapshot;
  /** After a node's crash the journal counts as complete, as far as it goes. */
  readonly trustsTornJournal?: boolean;
  /** Rows as the record reads them. */
  readonly view?: (view: RecordView) => RecordView;
  /** Rows as the record writes them. */
  readonly changes?: (changes: RecordChanges, view: RecordView) => RecordChanges;
  readonly ignoresVersions?: boolean;
  /** Limits as the pods, and as the record, know them. */
  readonly podLimit?: (plan: LimitPlan) => LimitPlan;
  readonly recordLimit?: (plan: LimitPlan) => LimitPlan;
  /** A fail-over is no new epoch; it is one, but nothing waits; nobody counts twice. */
  readonly keepsEpoch?: boolean;
  readonly skipsHold?: boolean;
  readonly skipsDoubling?: boolean;
  /** Silence as the record measures it. */
  readonly silenceFactor?: number;
  /** The pod's clocks as its holder reads them. */
  readonly blindToClocks?: boolean;
  /** A closing pod does not wait for its calls. */
  readonly closesEarly?: boolean;
  /** What a call is settled at, of its cost. */
  readonly settledPart?: number;
  /** Running calls are forgotten when a fenced pod takes a new session: no. They are settled there at nothing. */
  readonly ignoresFence?: boolean;
};
