/**
 * Who is speaking, and whether the record remembers what it told them: before any amount is looked at.
 *
 *   older than the latest          → stale     somebody has gone on since; a duplicate, or a second spender
 *   the latest again, same text    → speak     totals are absolute: doing it twice does nothing twice
 *   the latest again, other text   → fenced    two spend under one name
 *   another epoch, dead, forgotten → epoch     tell everything first
 *   further than the next          → lost      the holder was answered what the record has no memory of
 */

import type { LeaseReply, LeaseRequest } from "@sluice/contract";
import type { SessionState } from "./record-state.ts";

export type Verdict =
  /** `adopts`: what it tells is taken for true where the record knows less. */
  | { readonly kind: "speak"; readonly session: SessionState; readonly adopts: boolean }
  | { readonly kind: "reply"; readonly reply: LeaseReply; readonly session?: SessionState }
  | { readonly kind: "lost" };

export type Speaker = {
  readonly request: LeaseRequest;
  readonly known: SessionState | undefined;
  readonly secretHash: string;
  readonly digest: string;
  readonly epoch: string;
  readonly nowMs: number;
};

export function judgeSpeaker(speaker: Speaker): Verdict {
  const { known, secretHash } = speaker;
  if (known === undefined) return judgeStranger(speaker);
  if (known.secretHash !== secretHash || known.state === "Fenced")
    return { kind: "reply", reply: short(speaker, "fenced") };
  return judgeKnown(speaker, known);
}

function judgeStranger(speaker: Speaker): Verdict {
  const { request, epoch } = speaker;
  const isWhole = request.whole && request.epoch === epoch;
  if (isWhole) return { kind: "speak", session: heard(speaker, epoch), adopts: true };
  if (request.epoch !== "" && request.epoch !== epoch) return { kind: "reply", reply: tellEpoch(speaker) };
  if (request.sequence > 1) return { kind: "lost" };
  return { kind: "speak", session: heard(speaker, epoch), adopts: false };
}

function judgeKnown(speaker: Speaker, known: SessionState): Verdict {
  const { request, digest, epoch } = speaker;
  const order = request.incarnation - known.incarnation || request.sequence - known.sequence;
  if (order < 0) return { kind: "reply", reply: short(speaker, "stale") };
  const isAgain = order === 0 && digest === known.digest;
  if (order === 0 && !isAgain)
    return { kind: "reply", reply: short(speaker, "fenced"), session: { ...known, state: "Fenced" } };
  if (known.state === "Closed") {
    if (isAgain) return { kind: "speak", session: known, adopts: false };
    return { kind: "reply", reply: short(speaker, "fenced") };
  }

  const isFirstAgain = isAgain && request.epoch === "" && known.epoch === epoch;
  if (request.epoch !== epoch && !isFirstAgain) return { kind: "reply", reply: tellEpoch(speaker) };
  if (request.whole) return { kind: "speak", session: heard(speaker, epoch), adopts: true };
  const isNext =
    request.incarnation === known.incarnation ? request.sequence <= known.sequence + 1 : request.sequence === 1;
  if (!isNext) return { kind: "lost" };
  if (known.state === "Dead" || known.epoch !== epoch) return { kind: "reply", reply: tellEpoch(speaker) };
  return { kind: "speak", session: heard(speaker, epoch), adopts: false };
}

function heard({ request, known, secretHash, digest, nowMs }: Speaker, epoch: string): SessionState {
  return {
    session: request.session,
    version: known?.version ?? 0,
    state: request.closing ? "Closed" : "Open",
    secretHash,
    instanceName: request.instanceName,
    incarnation: request.incarnation,
    sequence: request.sequence,
    digest,
    heardAtMs: Math.max(nowMs, known?.heardAtMs ?? 0),
    epoch,
  };
}

function tellEpoch({ request, epoch }: Speaker): LeaseReply {
  return { kind: "epoch", incarnation: request.incarnation, sequence: request.sequence, epoch };
}

function short({ request }: Speaker, kind: "stale" | "fenced"): LeaseReply {
  return { kind, incarnation: request.incarnation, sequence: request.sequence };
}
