/**
 * What a body says of who calls and why: OpenAI's `user` and `metadata`, Anthropic's `metadata.user_id`. Claims that nobody has
 * proven, bounded and checked before they reach an account, a record or a log.
 */

import type { Span } from "../json/scan-object.ts";
import { parseObject } from "../sse/event-data.ts";
import type { RequestProblem } from "./read-request.ts";

export type BodyClaims = {
  readonly user?: string;
  readonly metadata?: Readonly<Record<string, string>>;
};

const userBytesMax = 256;
/** OpenAI's own bounds. */
const entriesMax = 16;
const nameLengthMax = 64;
const valueLengthMax = 512;
/** The largest map within these bounds has less, whatever its escapes and spaces. */
const metadataBytesMax = 65_536;
/** Controls, halves of characters, and marks that would reorder or break a line of a log. */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

export function readOpenAIClaims(
  body: Buffer,
  user: Span | undefined,
  metadata: Span | undefined,
): BodyClaims | RequestProblem {
  const name = user === undefined ? undefined : readUser("user", parsed(body, user));
  if (typeof name === "object") return name;
  if (metadata === undefined) return { user: name };

  const map = objectAt(body, metadata);
  if (map === undefined) return problem("metadata", "must be an object of texts");
  const entries = Object.entries(map);
  if (entries.length > entriesMax) return problem("metadata", `may have at most ${entriesMax} entries`);
  const texts: Record<string, string> = Object.create(null);
  for (const [key, value] of entries) {
    if (key.length > nameLengthMax || unprintable.test(key))
      return problem("metadata", `has a name that is not at most ${nameLengthMax} printable characters`);
    if (typeof value !== "string" || value.length > valueLengthMax || unprintable.test(value))
      return problem(`metadata.${key}`, `must be a text of at most ${valueLengthMax} printable characters`);
    texts[key] = value;
  }
  return { user: name, metadata: texts };
}

export function readAnthropicClaims(body: Buffer, metadata: Span | undefined): BodyClaims | RequestProblem {
  if (metadata === undefined) return {};
  const map = objectAt(body, metadata);
  if (map === undefined) return problem("metadata", "must be an object");
  if (map.user_id === undefined || map.user_id === null) return {};
  const user = readUser("metadata.user_id", map.user_id);
  return typeof user === "object" ? user : { user };
}

/** In NFC, so that one name is one account however its accents were typed. An empty text claims nothing. */
function readUser(param: string, value: unknown): string | RequestProblem | undefined {
  if (typeof value !== "string") return problem(param, "must be a string");
  if (value === "") return undefined;
  const user = value.normalize("NFC");
  if (Buffer.byteLength(user) > userBytesMax) return problem(param, `may have at most ${userBytesMax} bytes`);
  if (unprintable.test(user)) return problem(param, "may hold printable characters only");
  return user;
}

function objectAt(body: Buffer, span: Span): Record<string, unknown> | undefined {
  if (span.end - span.start > metadataBytesMax) return undefined;
  return parseObject(body.toString("utf8", span.start, span.end));
}

function parsed(body: Buffer, span: Span): unknown {
  // A longer one is refused for its length; it need not be read whole for that.
  if (span.end - span.start > metadataBytesMax) return "x".repeat(userBytesMax + 1);
  try {
    return JSON.parse(body.toString("utf8", span.start, span.end));
  } catch {
    return undefined;
  }
}

function problem(param: string, what: string): RequestProblem {
  return { kind: "problem", message: `The field '${param}' ${what}.`, param };
}
