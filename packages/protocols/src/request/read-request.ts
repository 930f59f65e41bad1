/**
 * The few fields of a request body that a gateway decides by, read from the bytes that go on. The same for OpenAI's and
 * Anthropic's formats. A field that decides may stand only once: of two, a provider might read the other one.
 */

import { type Member, type Span, scanObject } from "../json/scan-object.ts";

export type RequestFields = {
  readonly kind: "request";
  readonly model: string;
  /** Of the JSON string, quotes included. */
  readonly modelSpan: Span;
  readonly stream: boolean;
  /** OpenAI's `stream_options`; absent: the body has none (or null). */
  readonly streamOptions?: { readonly span: Span; readonly includeUsage: boolean };
  /** Offset of the body's closing brace. */
  readonly close: number;
};
/** `param`: the field, where one is to blame. */
export type RequestProblem = { readonly kind: "problem"; readonly message: string; readonly param?: string };

const deciding = new Set(["model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n"]);
/** More than this no vendor gives; each choice is billed. */
const choicesMax = 128;
const modelName = /^[A-Za-z0-9._:/@-]{1,256}$/;

export function readRequest(body: Buffer): RequestFields | RequestProblem {
  const scanned = scanObject(body, deciding);
  if (scanned.kind === "problem") {
    return {
      kind: "problem",
      message: `The body is not a JSON object that we can read: ${scanned.message} (byte ${scanned.at}).`,
    };
  }
  const found = new Map<string, Span>();
  for (const member of scanned.members) {
    if (found.has(member.key)) return problem(member.key, "stands twice in the body; send it once");
    if (!isNull(body, member)) found.set(member.key, member.value);
  }
  const number = numberProblem(body, found);
  if (number !== undefined) return number;

  const modelSpan = found.get("model");
  if (modelSpan === undefined) return problem("model", "is missing; name the model to use");
  const model = stringAt(body, modelSpan);
  if (model === undefined) return problem("model", "must be a string");
  if (!modelName.test(model) || model.includes("..")) {
    return problem(
      "model",
      "may hold letters, digits and . _ : / @ - only, at most 256 of them, and no two dots in a row",
    );
  }
  const stream = found.get("stream");
  const streamText = stream === undefined ? "false" : textAt(body, stream);
  if (streamText !== "true" && streamText !== "false") return problem("stream", "must be true or false");

  const options = found.get("stream_options");
  if (options === undefined)
    return { kind: "request", model, modelSpan, stream: streamText === "true", close: scanned.close };
  if (body[options.start] !== 0x7b) return problem("stream_options", "must be an object");
  const includeUsage = includeUsageOf(body.subarray(options.start, options.end));
  if (typeof includeUsage !== "boolean") return includeUsage;
  const streamOptions = { span: options, includeUsage };
  return { kind: "request", model, modelSpan, stream: streamText === "true", streamOptions, close: scanned.close };
}

function includeUsageOf(options: Buffer): boolean | RequestProblem {
  const scanned = scanObject(options);
  if (scanned.kind === "problem") return problem("stream_options", "must be an object");
  const members = scanned.members.filter((member) => member.key === "include_usage");
  if (members.length > 1) return problem("stream_options.include_usage", "stands twice in the body; send it once");
  const text = members[0] === undefined ? "false" : textAt(options, members[0].value);
  if (text === "null") return false;
  if (text !== "true" && text !== "false") return problem("stream_options.include_usage", "must be true or false");
  return text === "true";
}

function numberProblem(body: Buffer, found: ReadonlyMap<string, Span>): RequestProblem | undefined {
  for (const name of ["max_tokens", "max_completion_tokens", "n"]) {
    const span = found.get(name);
    if (span === undefined) continue;
    const value = span.end - span.start > 16 ? Number.NaN : Number(textAt(body, span));
    if (body[span.start] === 0x22 || !Number.isSafeInteger(value) || value < 0) {
      return problem(name, "must be a whole number, 0 or more");
    }
    if (name === "n" && value > choicesMax) return problem(name, `may be at most ${choicesMax}`);
  }
  return undefined;
}

function problem(param: string, what: string): RequestProblem {
  return { kind: "problem", message: `The field '${param}' ${what}.`, param };
}

function isNull(body: Buffer, member: Member): boolean {
  return body[member.value.start] === 0x6e;
}

function textAt(body: Buffer, span: Span): string {
  return body.toString("latin1", span.start, span.end);
}

function stringAt(body: Buffer, span: Span): string | undefined {
  if (body[span.start] !== 0x22) return undefined;
  const plain = body.toString("utf8", span.start + 1, span.end - 1);
  if (!plain.includes("\\")) return plain;
  try {
    return JSON.parse(body.toString("utf8", span.start, span.end)) as string;
  } catch {
    return undefined;
  }
}
