/**
 * The output cap: the member of a request that says how many tokens an answer may have at most. Formats name it differently,
 * OpenAI's chat in two ways.
 */

import type { Span } from "../json/scan-object.ts";
import type { Operation } from "../operations.ts";
import type { RequestProblem } from "./read-request.ts";

export type CapName = "max_tokens" | "max_completion_tokens";

export type OutputCap = {
  readonly name: CapName;
  readonly value: number;
  readonly span: Span;
  /** Of the other name, where the body has both, with the same value. */
  readonly twin?: Span;
};

/** The names that an operation's body may cap its output by, the one of today first. Empty: it has no output. */
export function capNames(operation: Pick<Operation, "name">): readonly CapName[] {
  switch (operation.name) {
    case "chat.completions":
      return chatNames;
    case "completions":
    case "messages":
      return oldNames;
    default:
      return noNames;
  }
}

const chatNames: readonly CapName[] = ["max_completion_tokens", "max_tokens"];
const oldNames: readonly CapName[] = ["max_tokens"];
const noNames: readonly CapName[] = [];

/** `found`: the members that are there and not null; `numberAt` reads one that is known to be a whole number. */
export function readOutputCap(
  names: readonly CapName[],
  found: ReadonlyMap<string, Span>,
  numberAt: (span: Span) => number,
): OutputCap | RequestProblem | undefined {
  let cap: OutputCap | undefined;
  for (const name of names) {
    const span = found.get(name);
    if (span === undefined) continue;
    const value = numberAt(span);
    if (cap === undefined) cap = { name, value, span };
    else if (cap.value === value) cap = { ...cap, twin: span };
    else {
      const message = `The fields '${cap.name}' and '${name}' differ (${cap.value} and ${value}); send one of them.`;
      return { kind: "problem", message, param: name };
    }
  }
  return cap;
}
