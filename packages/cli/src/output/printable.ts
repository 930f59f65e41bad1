/** Text from calls, made harmless for a terminal and a spreadsheet: callers choose what stands in it. */

/** Control characters, and those that turn the direction of writing, are shown as what they are. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** A cell of a CSV (RFC 4180). What a spreadsheet would take for a formula gets an apostrophe in front. */
function csvCell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) && !/^-?[0-9.]+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

export function csvText(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, ...rows].map((cells) => cells.map(csvCell).join(",")).join("\n");
}
