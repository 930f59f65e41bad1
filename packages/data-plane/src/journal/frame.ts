/**
 * How a record lies in a file, and how records are found in a file that may be damaged. A record's bytes are copied in order, so
 * one that was cut off by a kill ends in what lay there before: zeros, or the end of the file.
 *
 *   ┌────────────┬───────────┬──────────────┬─────────────┐
 *   │ length u32 │ crc32 u32 │ sequence u64 │ {…} (UTF-8) │   little-endian; the checksum is over sequence and text
 *   └────────────┴───────────┴──────────────┴─────────────┘
 */

import { crc32 } from "node:zlib";

export const frameHeadBytes = 16;
/** Of a text; a length beyond it is no length. */
const frameTextBytesMax = 32 * 1024 * 1024;

const braceOpen = 0x7b;
const braceClose = 0x7d;

export type Frame = { readonly sequence: number; readonly text: string };

export type FrameScan = {
  readonly frames: readonly Frame[];
  /** Bytes that are neither a record, nor a last one cut off, nor room not written yet. */
  readonly damaged: boolean;
  /** The last record was cut off while it was written: whoever wrote it was never told that it was. */
  readonly cutOff: boolean;
};

/** Puts a record at the start of a buffer that has room for 3 bytes a UTF-16 unit; answers how many bytes it takes. */
export function putFrame(buffer: Buffer, sequence: number, text: string): number {
  const length = buffer.write(text, frameHeadBytes, "utf8");
  buffer.writeUInt32LE(length, 0);
  buffer.writeUInt32LE(sequence >>> 0, 8);
  buffer.writeUInt32LE(Math.floor(sequence / 2 ** 32), 12);
  buffer.writeUInt32LE(crc32(buffer.subarray(8, frameHeadBytes + length)), 4);
  return frameHeadBytes + length;
}

/** Every whole record, whatever lies between them. */
export function scanFrames(bytes: Buffer): FrameScan {
  const end = writtenEnd(bytes);
  const frames: Frame[] = [];
  let damaged = false;
  let at = 0;
  while (at < end) {
    const size = frameSizeAt(bytes, at);
    if (size > 0) {
      frames.push({ sequence: sequenceAt(bytes, at), text: bytes.toString("utf8", at + frameHeadBytes, at + size) });
      at += size;
      continue;
    }
    const next = nextFrame(bytes, at + 1);
    if (next < 0) return { frames, damaged: damaged || !isCutOff(bytes, at, end), cutOff: isCutOff(bytes, at, end) };
    damaged = true;
    at = next;
  }
  return { frames, damaged, cutOff: false };
}

/** Of the whole record that begins here; 0: none does. */
function frameSizeAt(bytes: Buffer, at: number): number {
  if (at + frameHeadBytes >= bytes.length || bytes[at + frameHeadBytes] !== braceOpen) return 0;
  const length = bytes.readUInt32LE(at);
  const end = at + frameHeadBytes + length;
  if (length > frameTextBytesMax || end > bytes.length || bytes[end - 1] !== braceClose) return 0;
  return crc32(bytes.subarray(at + 8, end)) === bytes.readUInt32LE(at + 4) ? end - at : 0;
}

function nextFrame(bytes: Buffer, from: number): number {
  let brace = bytes.indexOf(braceOpen, from + frameHeadBytes);
  while (brace >= 0) {
    if (frameSizeAt(bytes, brace - frameHeadBytes) > 0) return brace - frameHeadBytes;
    brace = bytes.indexOf(braceOpen, brace + 1);
  }
  return -1;
}

function sequenceAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12) * 2 ** 32;
}

/** Where the zeros begin that are room for further records. */
function writtenEnd(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

/** The record that begins here misses its last byte at least; one whose last byte is there was whole once, and is damaged. */
function isCutOff(bytes: Buffer, at: number, end: number): boolean {
  if (at + frameHeadBytes > end) return true;
  const length = bytes.readUInt32LE(at);
  return length <= frameTextBytesMax && at + frameHeadBytes + length > end;
}
