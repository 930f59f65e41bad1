/**
 * Goes through a JSON text that `scanObject` has accepted, without building it: each member and item once, whatever is repeated,
 * with the names decoded. For questions that a body must not be able to dodge; so of two members of one name both are seen.
 *
 * A visitor is given the offset of a value and answers the offset after it, `skipValue`'s where it does not look inside.
 */

const quote = 0x22;
const backslash = 0x5c;
/** Up to this length a string is read byte by byte, beyond it by `indexOf`. */
const shortString = 256;

/** `at`: of the opening brace. Answers the offset after the closing one. */
export function walkObject(bytes: Buffer, at: number, visit: (key: string, value: number) => number): number {
  let next = space(bytes, at + 1);
  while (bytes[next] === quote) {
    const end = skipString(bytes, next);
    const key = textAt(bytes, next, end);
    // Past the colon.
    const value = space(bytes, space(bytes, end) + 1);
    next = space(bytes, visit(key, value));
    if (bytes[next] === 0x2c) next = space(bytes, next + 1);
  }
  return next + 1;
}

/** `at`: of the opening bracket. Answers the offset after the closing one. */
export function walkArray(bytes: Buffer, at: number, visit: (item: number) => number): number {
  let next = space(bytes, at + 1);
  while (next < bytes.length && bytes[next] !== 0x5d) {
    next = space(bytes, visit(next));
    if (bytes[next] === 0x2c) next = space(bytes, next + 1);
  }
  return next + 1;
}

/** The offset after the value. */
export function skipValue(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === quote) return skipString(bytes, at);
  let depth = 0;
  for (let next = at; next < bytes.length; ) {
    const byte = bytes[next] as number;
    if (byte === quote) {
      next = skipString(bytes, next);
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      // A number's or word's end is its parent's.
      if (depth === 0) return next;
      if (--depth === 0) return next + 1;
    } else if (depth === 0 && (byte === 0x2c || byte <= 0x20)) return next;
    next++;
  }
  return bytes.length;
}

/** A string's text, from its opening quote to after its closing one. */
export function textAt(bytes: Buffer, at: number, end: number): string {
  // Most are names in ASCII, and those are the cheaper ones to make.
  const plain = bytes.toString("latin1", at + 1, end - 1);
  if (isPlain(plain)) return plain;
  try {
    return JSON.parse(bytes.toString("utf8", at, end)) as string;
  } catch {
    return plain;
  }
}

export function isObject(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x7b;
}

export function isArray(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x5b;
}

export function isString(bytes: Buffer, at: number): boolean {
  return bytes[at] === quote;
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === backslash || code > 0x7e) return false;
  }
  return true;
}

function skipString(bytes: Buffer, at: number): number {
  const short = Math.min(bytes.length, at + 1 + shortString);
  let next = at + 1;
  for (; next < short; next++) {
    const byte = bytes[next] as number;
    if (byte === quote) return next + 1;
    if (byte === backslash) next++;
  }
  for (let from = next; ; ) {
    const end = bytes.indexOf(quote, from);
    if (end < 0) return bytes.length;
    let slashes = 0;
    while (end - slashes > next && bytes[end - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return end + 1;
    from = end + 1;
  }
}

function space(bytes: Buffer, at: number): number {
  let byte = bytes[at] as number;
  while (byte <= 0x20 && (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09))
    byte = bytes[++at] as number;
  return at;
}
