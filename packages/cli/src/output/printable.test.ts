import { expect, test } from "vitest";
import { csvText, printable } from "./printable.ts";

test.for([
  ["plain words stay", "search-batch é 検索", "search-batch é 検索"],
  ["an escape sequence is shown, not run", "\u001b[2Jgone", "\\u{1b}[2Jgone"],
  ["a line break is no new line", "a\nb", "a\\u{a}b"],
  ["a turned direction is shown", "a\u202eb", "a\\u{202e}b"],
] as const)("%s", ([, text, shown]) => {
  expect(printable(text)).toBe(shown);
});

test("a CSV quotes what needs it, and disarms formulas", () => {
  const rows = [
    ["=HYPERLINK(1)", "12.50"],
    ['say "hi", all', "-0.50"],
    ["-1+2", "0.00"],
  ];
  expect(csvText(["service", "cost_usd"], rows)).toBe(
    'service,cost_usd\n\'=HYPERLINK(1),12.50\n"say ""hi"", all",-0.50\n\'-1+2,0.00',
  );
});
