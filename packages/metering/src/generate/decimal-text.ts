/** Numbers of a source file as their own text, moved between units digit by digit: no float ever holds a price. */

/** As `JSON.parse`, but each number is its text: `3e-7` stays `"3e-7"`. */
export function parseWithNumbersAsText(json: string): unknown {
  const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;
  return parse(json, (_key, value, context) => (typeof value === "number" ? context.source : value));
}
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** The number × 10^places as plain decimal text: (`"3e-7"`, 6) → `"0.3"`. */
export function shifted(text: string, places: number): string {
  const match = /^([0-9]+)(?:\.([0-9]+))?(?:e([+-]?[0-9]+))?$/i.exec(text);
  if (match === null) throw new Error(`${JSON.stringify(text)} is no number of 0 or more`);
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const point = whole.length + Number(exponent) + places;
  const digits = (whole + fraction).padStart(whole.length + fraction.length + Math.max(0, 1 - point), "0");
  const at = Math.max(point, 1);
  const left = digits
    .slice(0, at)
    .padEnd(at, "0")
    .replace(/^0+(?=[0-9])/, "");
  const right = digits.slice(at).replace(/0+$/, "");
  return right === "" ? left : `${left}.${right}`;
}
