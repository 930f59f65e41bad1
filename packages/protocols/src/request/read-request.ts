/**
 * The few fields of a request body that a gateway decides by, read from the bytes that go on. A field that decides may stand
 * only once: of two, a provider might read the other one. What a call could cost at most is `read-features.ts`' question.
 */

import { type Member, type Span, scanObject } from "../json/scan-object.ts";
import type { Operation } from "../operations.ts";
import { type CapName, capNames, type OutputCap, readOutputCap } from "./output-cap.ts";
import { readAnthropicClaims, readOpenAIClaims } from "./read-claims.ts";

export type RequestFields = {
  readonly kind: "request";
  readonly model: string;
  /** Of the JSON string, quotes included. */
  readonly modelSpan: Span;
  readonly stream: boolean;
  /** OpenAI's `stream_options`; absent: the body has none (or null). */
  readonly streamOptions?: { readonly span: Span; readonly includeUsage: boolean };
  /** Absent: the body names none; the model's own limit holds. */
  readonly outputCap?: OutputCap;
  /** What a cap that is added is called, for a provider of today; absent: the operation has no output to cap. */
  readonly capName?: CapName;
  /** Answers that each prompt gets: `n`, or `best_of` if that is more. Each is billed. */
  readonly choices: number;
  /** As claimed: OpenAI's `user`, Anthropic's `metadata.user_id`; in NFC. */
  readonly user?: string;
  /** As claimed: OpenAI's `metadata`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly serviceTier?: string;
  /** Places of members that decide, and are null: where one of them is set, it is there. */
  readonly nulls?: ReadonlyMap<string, Span>;
  /** Offset of the body's closing brace. */
  readonly close: number;
};
/** `param`: the field, where one is to blame. */
export type RequestProblem = { readonly kind: "problem"; readonly message: string; readonly param?: string };

const deciding = new Set([
  "model",
  "stream",
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "n",
  "best_of",
  "user",
  "metadata",
  "service_tier",
]);
const numbers = ["max_tokens", "max_completion_tokens", "n", "best_of"];
/** More than this no vendor gives; each choice is billed. */
const choicesMax = 128;
const modelName = /^[A-Za-z0-9._:/@-]{1,256}$/;
const tierName = /^[A-Za-z0-9._-]{1,64}$/;

export function readRequest(
  body: Buffer,
  operation: Pick<Operation, "name" | "protocol">,
): RequestFields | RequestProblem {
  const scanned = scanObject(body, deciding);
  if (scanned.kind === "problem") {
    return {
      kind: "problem",
      message: `The body is not a JSON object that we can read: ${scanned.message} (byte ${scanned.at}).`,
    };
  }
  const found = new Map<string, Span>();
  let nulls: Map<string, Span> | undefined;
  for (const member of scanned.members) {
    const { key, value } = member;
    if (found.has(key) || nulls?.has(key)) return problem(key, "stands twice in the body; send it once");
    if (!isNull(body, member)) found.set(key, value);
    else {
      nulls ??= new Map();
      nulls.set(key, value);
    }
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
  let streamOptions: RequestFields["streamOptions"];
  if (options !== undefined) {
    if (body[options.start] !== 0x7b) return problem("stream_options", "must be an object");
    const includeUsage = includeUsageOf(body.subarray(options.start, options.end));
    if (typeof includeUsage !== "boolean") return includeUsage;
    streamOptions = { span: options, includeUsage };
  }

  const names = capNames(operation);
  const outputCap = readOutputCap(names, found, (span) => Number(textAt(body, span)));
  if (outputCap !== undefined && "kind" in outputCap) return outputCap;
  const claims =
    operation.protocol === "anthropic"
      ? readAnthropicClaims(body, found.get("metadata"))
      : readOpenAIClaims(body, found.get("user"), found.get("metadata"));
  if ("kind" in claims) return claims;
  const serviceTier = tierOf(body, found.get("service_tier"));
  if (typeof serviceTier === "object") return serviceTier;

  return {
    kind: "request",
    model,
    modelSpan,
    stream: streamText === "true",
    streamOptions,
    outputCap,
    capName: names[0],
    choices: Math.max(1, numberOf(body, found.get("n")), numberOf(body, found.get("best_of"))),
    user: claims.user,
    metadata: claims.metadata,
    serviceTier,
    nulls,
    close: scanned.close,
  };
}

function numberOf(body: Buffer, span: Span | undefined): number {
  return span === undefined ? 0 : Number(textAt(body, span));
}

function tierOf(body: Buffer, span: Span | undefined): string | RequestProblem | undefined {
  if (span === undefined) return undefined;
  const tier = stringAt(body, span);
  if (tier === undefined || !tierName.test(tier))
    return problem("service_tier", "must be a string of at most 64 letters, digits, dots, dashes or underscores");
  return tier;
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
  for (const name of numbers) {
    const span = found.get(name);
    if (span === undefined) continue;
    const value = span.end - span.start > 16 ? Number.NaN : Number(textAt(body, span));
    if (body[span.start] === 0x22 || !Number.isSafeInteger(value) || value < 0) {
      return problem(name, "must be a whole number, 0 or more");
    }
    if ((name === "n" || name === "best_of") && value > choicesMax)
      return problem(name, `may be at most ${choicesMax}`);
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
