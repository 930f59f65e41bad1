/**
 * Reads a JSON object's members without building it: checks the whole text against the grammar and tells, for the members of the
 * outermost object that are asked for, where their values lie. So a body is judged by the very bytes that go on, and a megabyte
 * of image in it costs a memory scan. Left to the caller: what the members mean.
 *
 * Not checked: escape sequences, and control characters beyond the first 256 bytes of a string; neither changes what a parser
 * further on takes a member to be.
 */

import { isUtf8 } from "node:buffer";

/** Deeper nesting is refused: parsers that recurse have been brought down by it. */
export const depthMax = 64;

/** A value's place: `start` is its first byte, `end` the one after its last. */
export type Span = { readonly start: number; readonly end: number };
export type Member = { readonly key: string; readonly value: Span };
export type ScannedObject = {
  readonly kind: "object";
  readonly members: Member[];
  /** Whether the object has any member at all, asked for or not. */
  readonly empty: boolean;
  /** Offset of the closing brace. */
  readonly close: number;
};
/** `at`: byte offset of what was wrong. */
export type ScanProblem = { readonly kind: "problem"; readonly message: string; readonly at: number };

const quote = 0x22;
const backslash = 0x5c;
/** Up to this length a string is read byte by byte, beyond it by `indexOf`. */
const shortString = 256;

/** `wanted`: the members to tell; absent: all. */
export function scanObject(bytes: Buffer, wanted?: ReadonlySet<string>): ScannedObject | ScanProblem {
  const scanner = new Scanner(bytes, wanted);
  const close = scanner.outermost();
  if (close < 0) return { kind: "problem", message: scanner.message, at: Math.min(scanner.failedAt, bytes.length) };
  // After the scan, so that the message for a cut text is about the cut.
  if (!isUtf8(bytes)) return { kind: "problem", message: "The text is not valid UTF-8", at: 0 };
  return { kind: "object", members: scanner.members, empty: scanner.empty, close };
}

/** Plain fields: this runs for every byte of every call, and private names cost a check each. */
class Scanner {
  readonly members: Member[] = [];
  empty = true;
  message = "";
  failedAt = 0;
  /** A backslash was met since it was last set to false. */
  escaped = false;
  readonly bytes: Buffer;
  readonly wanted: ReadonlySet<string> | undefined;

  constructor(bytes: Buffer, wanted: ReadonlySet<string> | undefined) {
    this.bytes = bytes;
    this.wanted = wanted;
  }

  /** Offset of the closing brace, or −1. */
  outermost(): number {
    const start = space(this.bytes, 0);
    if (start === this.bytes.length) return this.fail(start, "The body is empty, expected a JSON object");
    if (this.bytes[start] !== 0x7b) return this.fail(start, "Expected a JSON object");
    const end = this.object(start, 1);
    if (end < 0) return -1;
    const rest = space(this.bytes, end);
    if (rest !== this.bytes.length) return this.fail(rest, "Unexpected text after the JSON object");
    return end - 1;
  }

  fail(at: number, message: string): -1 {
    this.failedAt = at;
    this.message = message;
    return -1;
  }

  value(at: number, depth: number): number {
    const byte = this.bytes[at];
    if (byte === quote) return this.string(at + 1);
    if (byte === 0x7b) return this.object(at, depth + 1);
    if (byte === 0x5b) return this.array(at, depth + 1);
    if (byte === 0x74) return this.word(at, "true");
    if (byte === 0x66) return this.word(at, "false");
    if (byte === 0x6e) return this.word(at, "null");
    return this.number(at);
  }

  object(at: number, depth: number): number {
    if (depth > depthMax) return this.fail(at, `Nested deeper than ${depthMax} levels`);
    const bytes = this.bytes;
    let next = space(bytes, at + 1);
    if (bytes[next] === 0x7d) return next + 1;
    if (depth === 1) this.empty = false;
    for (;;) {
      if (bytes[next] !== quote) return this.fail(next, "Expected a member's name in quotes");
      const keyStart = next;
      this.escaped = false;
      const keyEnd = this.string(next + 1);
      if (keyEnd < 0) return -1;
      const told = depth === 1 && (this.escaped || this.mayWant(keyEnd - keyStart - 2));
      next = space(bytes, keyEnd);
      if (bytes[next] !== 0x3a) return this.fail(next, "Expected a colon after a member's name");
      const start = space(bytes, next + 1);
      const end = this.value(start, depth);
      if (end < 0) return -1;
      if (told) this.tell(keyStart, keyEnd, start, end);
      next = space(bytes, end);
      const byte = bytes[next];
      if (byte === 0x7d) return next + 1;
      if (byte !== 0x2c) return this.fail(next, "Expected a comma or the end of an object");
      next = space(bytes, next + 1);
    }
  }

  array(at: number, depth: number): number {
    if (depth > depthMax) return this.fail(at, `Nested deeper than ${depthMax} levels`);
    const bytes = this.bytes;
    let next = space(bytes, at + 1);
    if (bytes[next] === 0x5d) return next + 1;
    for (;;) {
      const end = this.value(next, depth);
      if (end < 0) return -1;
      next = space(bytes, end);
      const byte = bytes[next];
      if (byte === 0x5d) return next + 1;
      if (byte !== 0x2c) return this.fail(next, "Expected a comma or the end of an array");
      next = space(bytes, next + 1);
    }
  }

  /** `at`: after the opening quote. Answers the offset after the closing one. */
  string(at: number): number {
    const bytes = this.bytes;
    const short = Math.min(bytes.length, at + shortString);
    let next = at;
    for (; next < short; next++) {
      const byte = bytes[next] as number;
      if (byte === quote) return next + 1;
      if (byte === backslash) {
        this.escaped = true;
        next++;
      } else if (byte < 0x20) return this.fail(next, "A control character in a string must be escaped");
    }
    for (let from = next; ; ) {
      const end = bytes.indexOf(quote, from);
      if (end < 0) return this.fail(bytes.length, "A string has no end");
      let slashes = 0;
      while (end - slashes > next && bytes[end - 1 - slashes] === backslash) slashes++;
      if (slashes % 2 === 0) return end + 1;
      from = end + 1;
    }
  }

  word(at: number, word: string): number {
    for (let place = 1; place < word.length; place++) {
      if (this.bytes[at + place] !== word.charCodeAt(place))
        return this.fail(at, "Unexpected text, expected a JSON value");
    }
    return at + word.length;
  }

  number(at: number): number {
    const bytes = this.bytes;
    const first = bytes[at] === 0x2d ? at + 1 : at;
    let next = digits(bytes, first);
    if (next === first) {
      const message =
        at >= bytes.length ? "The text ends where a JSON value is expected" : "Unexpected text, expected a JSON value";
      return this.fail(at, message);
    }
    if (bytes[first] === 0x30 && next > first + 1) return this.fail(at, "A number may not begin with a zero");
    if (bytes[next] === 0x2e) {
      const fraction = digits(bytes, next + 1);
      if (fraction === next + 1) return this.fail(next, "A number has no digits after its point");
      next = fraction;
    }
    if (bytes[next] === 0x65 || bytes[next] === 0x45) {
      const sign = bytes[next + 1];
      const start = sign === 0x2b || sign === 0x2d ? next + 2 : next + 1;
      const exponent = digits(bytes, start);
      if (exponent === start) return this.fail(next, "A number has no digits in its exponent");
      next = exponent;
    }
    return next;
  }

  /** By length alone: most names need not be made into text. A name beyond the short ones may hold an escape that was not met. */
  mayWant(length: number): boolean {
    if (this.wanted === undefined || length >= shortString) return true;
    for (const name of this.wanted) if (name.length === length) return true;
    return false;
  }

  /** Keeps a member that is asked for. A name may be written with escapes (`mod\u0065l`), and then still is that name. */
  tell(keyStart: number, keyEnd: number, start: number, end: number): void {
    let key = this.bytes.toString("latin1", keyStart + 1, keyEnd - 1);
    if (key.includes("\\")) key = unescaped(this.bytes.toString("utf8", keyStart, keyEnd)) ?? key;
    else if (this.wanted === undefined) key = this.bytes.toString("utf8", keyStart + 1, keyEnd - 1);
    if (this.wanted?.has(key) !== false) this.members.push({ key, value: { start, end } });
  }
}

function space(bytes: Buffer, at: number): number {
  let byte = bytes[at] as number;
  while (byte <= 0x20 && (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09))
    byte = bytes[++at] as number;
  return at;
}

function digits(bytes: Buffer, at: number): number {
  let byte = bytes[at] as number;
  while (byte >= 0x30 && byte <= 0x39) byte = bytes[++at] as number;
  return at;
}

function unescaped(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}
