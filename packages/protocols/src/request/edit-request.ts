/** The two edits that policy makes in a caller's body: the model's name, and the wish to be told the usage of a stream. */

import { scanObject } from "../json/scan-object.ts";
import type { RequestFields } from "./read-request.ts";

export type RequestEdits = {
  /** The name that the target knows; absent: the caller's. */
  readonly model?: string;
  /** OpenAI streams tell usage only when asked to. */
  readonly askUsage: boolean;
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
  if (options === undefined) return addOptions(body, fields);
  const scanned = scanObject(body.subarray(options.start, options.end));
  if (scanned.kind === "problem") throw new Error(`stream_options changed under us: ${scanned.message}`);
  const present = scanned.members.find((member) => member.key === "include_usage");
  if (present !== undefined) {
    return { start: options.start + present.value.start, end: options.start + present.value.end, text: "true" };
  }
  const comma = scanned.empty ? "" : ",";
  return { start: options.end - 1, end: options.end - 1, text: `${comma}"include_usage":true` };
}

/** `stream_options: null` must go when the member is added: a member may not stand twice. */
function addOptions(body: Buffer, fields: RequestFields): Splice {
  const scanned = scanObject(body);
  const empty =
    scanned.kind === "object" ? scanned.members.find((member) => member.key === "stream_options") : undefined;
  if (empty !== undefined) return { ...empty.value, text: '{"include_usage":true}' };
  return { start: fields.close, end: fields.close, text: ',"stream_options":{"include_usage":true}' };
}
