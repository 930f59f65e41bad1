/**
 * The length of a string member in an event's text, without parsing it: for the deltas of a stream, of which there are thousands.
 * `text` is the event as Latin-1, so that a character is a byte.
 */

const quote = 0x22;
const backslash = 0x5c;

/**
 * UTF-8 bytes of the first member `name` (with its closing quote alone: `text"`; a search by a letter is far faster
 * than one by a quote), or −1 when there is none or it is no string. A string that quotes it can't be mistaken for it: its
 * quotes are escaped.
 */
export function stringMemberBytes(text: string, name: string): number {
  let at = valueAt(text, name);
  if (at < 0 || text.charCodeAt(at) !== quote) return -1;
  let bytes = 0;
  for (at++; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return bytes;
    if (code !== backslash) bytes++;
    else if (text.charCodeAt(++at) !== 0x75) bytes++;
    else {
      bytes += escapeBytes(Number.parseInt(text.slice(at + 1, at + 5), 16));
      at += 4;
    }
  }
  return -1;
}

/** Each half of a pair is two of its four bytes. */
function escapeBytes(unit: number): number {
  if (unit < 0x80) return 1;
  return unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
}

/** Whether the first member `name` has a value that begins with this character. */
export function memberBeginsWith(text: string, name: string, first: number): boolean {
  const at = valueAt(text, name);
  return at >= 0 && text.charCodeAt(at) === first;
}

function valueAt(text: string, name: string): number {
  for (let found = text.indexOf(name); found >= 0; found = text.indexOf(name, found + 1)) {
    if (text.charCodeAt(found - 1) !== quote) continue;
    let at = found + name.length;
    for (let code = text.charCodeAt(at); code === 0x20 || code === 0x3a; code = text.charCodeAt(++at));
    return at;
  }
  return -1;
}
