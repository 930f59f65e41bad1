/**
 * Takes one member of the outermost object out of a JSON text that passes by in pieces, however it is cut, holding nothing
 * else of it. For answers too large to hold. It follows strings and nesting only; it does not judge the text.
 */

/** A captured value longer than this is given up. */
const valueBytesMax = 65_536;

const quote = 0x22;
const backslash = 0x5c;

export class MemberCapture {
  readonly #name: string;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The string at depth 1 that was read last: a member's name, if a colon follows. */
  #text = "";
  #captured: number[] | undefined;
  #value: string | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** The text of the member's value: of the last one, when there are several; undefined when there is none yet. */
  get value(): string | undefined {
    return this.#value;
  }

  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; at++) this.#byte(piece[at] as number);
  }

  #byte(byte: number): void {
    if (this.#captured !== undefined && this.#endsValue(byte)) this.#keep();
    if (this.#captured !== undefined) this.#captured.push(byte);
    if (this.#captured !== undefined && this.#captured.length > valueBytesMax) this.#captured = undefined;
    if (this.#inString) this.#stringByte(byte);
    else this.#structureByte(byte);
  }

  #structureByte(byte: number): void {
    if (byte === quote) {
      this.#inString = true;
      this.#text = "";
    } else if (byte === 0x7b || byte === 0x5b) {
      this.#depth++;
    } else if (byte === 0x7d || byte === 0x5d) {
      this.#depth--;
    } else if (byte === 0x3a && this.#depth === 1 && this.#captured === undefined && this.#text === this.#name) {
      this.#captured = [];
    }
  }

  #stringByte(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === backslash) this.#escaped = true;
    else if (byte === quote) {
      this.#inString = false;
      return;
    }
    if (this.#depth === 1 && this.#text.length <= this.#name.length) this.#text += String.fromCharCode(byte);
  }

  #endsValue(byte: number): boolean {
    return !this.#inString && this.#depth === 1 && (byte === 0x2c || byte === 0x7d);
  }

  #keep(): void {
    this.#value = Buffer.from(this.#captured ?? []).toString("utf8");
    this.#captured = undefined;
    this.#text = "";
  }
}
