/** Text in columns, as kubectl sets it: headings in capitals, three spaces between, no trailing blanks. */

/** `figures`: the columns that are set to the right, by number. */
export function columns(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  figures: ReadonlySet<number> = new Set(),
): string {
  const lines = [headings.map((heading) => heading.toUpperCase()), ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          figures.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}
