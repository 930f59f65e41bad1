/**
 * The edits that policy makes in a caller's body: the model's name, the wish to be told the usage of a stream, and the output
 * cap, which is only ever set or lowered.
 */

import assert from "node:assert/strict";
import { type Span, scanObject } from "../json/scan-object.ts";
import type { CapName, OutputCap } from "./output-cap.ts";
import type { RequestFields } from "./read-request.ts";

export type RequestEdits = {
  /** The name that the target knows; absent: the caller's. */
  readonly model?: string;
  /** OpenAI streams tell usage only when asked to. */
  readonly askUsage: boolean;
  /** The most tokens that each answer may have; a lower cap of the caller's stays. Of no effect where there is no output. */
  readonly outputCap?: number;
  /** What the target calls the cap, where it knows one name only; absent: what the caller called it, else the name of today. */
  readonly capName?: CapName;
};

type Splice = { readonly start: number; readonly end: number; readonly text: string };

/** The body to send. The very same buffer when nothing changes; otherwise every byte that was not edited is kept. */
export function editRequest(body: Buffer, fields: RequestFields, edits: RequestEdits): Buffer {
  const splices: Splice[] = [];
  if (edits.model !== undefined && edits.model !== fields.model) {
    splices.push({ ...fields.modelSpan, text: JSON.stringify(edits.model) });
  }
  if (edits.askUsage && fields.stream && fields.streamOptions?.includeUsage !== true) {
    splices.push(askForUsage(body, fields));
  }
  if (edits.outputCap !== undefined && fields.capName !== undefined) {
    splices.push(...capOutput(body, fields, edits.outputCap, edits.capName));
  }
  if (splices.length === 0) return body;
  splices.sort((one, other) => one.start - other.start);
  const parts: Buffer[] = [];
  let kept = 0;
  for (const splice of splices) {
    parts.push(body.subarray(kept, splice.start), Buffer.from(splice.text));
    kept = splice.end;
  }
  parts.push(body.subarray(kept));
  return Buffer.concat(parts);
}

function askForUsage(body: Buffer, fields: RequestFields): Splice {
  const options = fields.streamOptions?.span;
  if (options === undefined) return setMember(fields, "stream_options", '{"include_usage":true}');
  const scanned = scanObject(body.subarray(options.start, options.end));
  if (scanned.kind === "problem") throw new Error(`stream_options changed under us: ${scanned.message}`);
  const present = scanned.members.find((member) => member.key === "include_usage");
  if (present !== undefined) {
    return { start: options.start + present.value.start, end: options.start + present.value.end, text: "true" };
  }
  const comma = scanned.empty ? "" : ",";
  return { start: options.end - 1, end: options.end - 1, text: `${comma}"include_usage":true` };
}

/** A member that the body lacks. One that is null is replaced: a member may not stand twice. */
function setMember(fields: RequestFields, name: string, text: string): Splice {
  const empty = fields.nulls?.get(name);
  if (empty !== undefined) return { ...empty, text };
  return { start: fields.close, end: fields.close, text: `,"${name}":${text}` };
}

function capOutput(body: Buffer, fields: RequestFields, tokens: number, capName: CapName | undefined): Splice[] {
  assert(Number.isSafeInteger(tokens) && tokens >= 0, "an output cap is a whole number");
  const cap = fields.outputCap;
  // Chat alone has two names for it.
  const name = fields.capName === "max_completion_tokens" ? (capName ?? cap?.name ?? fields.capName) : "max_tokens";
  const text = String(Math.min(tokens, cap?.value ?? tokens));
  if (cap === undefined) return [setMember(fields, name, text)];
  const spans = cap.twin === undefined ? [cap.span] : [cap.span, cap.twin];
  const splices: Splice[] = cap.value > tokens ? spans.map((span) => ({ ...span, text })) : [];
  // A provider that does not know the caller's name for it would answer without a cap.
  if (name !== cap.name && cap.twin === undefined) {
    if (fields.nulls?.has(name)) return [...splices, setMember(fields, name, text)];
    splices.push({ ...nameSpan(body, cap), text: JSON.stringify(name) });
  }
  return splices;
}

/** Of the member's name, quotes included. However it is written, it ends at the last quote before the value. */
function nameSpan(body: Buffer, cap: OutputCap): Span {
  const end = body.lastIndexOf(0x22, cap.span.start) + 1;
  return { start: body.lastIndexOf(0x22, end - 2), end };
}
