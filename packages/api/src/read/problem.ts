/** Problem: what is wrong with a resource that was read, where, and what to do. Never holds a value that may be a secret. */

import { redactSecrets } from "./secret-in-clear.ts";

/** Kubernetes' words for the cause of a refused field (`Status.details.causes[].reason`). */
export type ProblemReason =
  | "FieldValueInvalid"
  | "FieldValueRequired"
  | "FieldValueNotSupported"
  | "FieldValueDuplicate"
  | "FieldValueTypeInvalid"
  | "FieldValueForbidden";

export type Problem = {
  /** `spec.targets[0].weight`; empty when the whole is meant. */
  readonly path: string;
  readonly message: string;
  readonly reason: ProblemReason;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
};

export type Segment = string | number;

/** A problem before it has a place in a text. */
export type Breach = {
  readonly segments: readonly Segment[];
  readonly message: string;
  readonly reason: ProblemReason;
  /** The field's name itself is wrong, not its value. */
  readonly atKey?: boolean;
};

/** `metadata.labels[app.kubernetes.io/name]`, `spec.targets[0].name`. */
export function fieldPath(segments: readonly Segment[]): string {
  let path = "";
  for (const segment of segments) {
    if (typeof segment === "number") path += `[${segment}]`;
    else if (/^[A-Za-z0-9_-]{1,64}$/.test(segment)) path += path === "" ? segment : `.${segment}`;
    else path += `[${shown(segment)}]`;
  }
  return path;
}

/** A name from outside, fit for a message: bounded, printable, and not a secret that slipped into a name's place. */
export function shown(text: string): string {
  const printable = redactSecrets(text).replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, "?");
  return printable.length > 64 ? `${printable.slice(0, 63)}…` : printable;
}

/** One line: `routes.yaml:12:7: spec.targets[0].weight: must be a number`. */
export function problemText(problem: Problem): string {
  const { file, line, column, path, message } = problem;
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  return [place, path, message].filter((part) => part !== "").join(": ");
}
