/**
 * Decimal text ⇄ integers, without a float in between. People read and write dollars; the books hold nano-dollars and
 * pico-dollars a token. What has more digits than the books can hold is refused, never rounded.
 */

export type Problem = { readonly problem: string };

/** A dollar less than a billion: as nano-dollars it fits the record's 64-bit column. */
const wholeDigitsMax = 9;

/** `"500.00"` → 500_000_000_000n; `{ problem }` in words when the text is no amount of 0 or more. */
export function decimalToNanoUsd(text: string): bigint | Problem {
  return scaledInteger(text, 9);
}

/** `12_345_678_901n` → `"12.345678901"`: exact, without trailing zeros after the cents. */
export function nanoUsdToDecimal(nanoUsd: bigint): string {
  const digits = (nanoUsd < 0n ? -nanoUsd : nanoUsd).toString().padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0{1,7}$/, "");
  return `${nanoUsd < 0n ? "-" : ""}${digits.slice(0, -9)}.${fraction}`;
}

/** `"2.50"` USD per million tokens → 2_500_000 pico-USD a token. */
export function perMillionToPicoUsd(text: string): number | Problem {
  const picoUsd = scaledInteger(text, 6);
  return typeof picoUsd === "bigint" ? Number(picoUsd) : picoUsd;
}

/** The text × 10^places as an integer. */
export function scaledInteger(text: string, places: number): bigint | Problem {
  if (typeof text !== "string") return { problem: 'must be a decimal number as text, such as "12.50"' };
  const match = /^([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  if (match === null) return { problem: problemOf(text) };
  const whole = (match[1] ?? "").replace(/^0+(?=[0-9])/, "");
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  if (whole.length > wholeDigitsMax) return { problem: "is too large: at most 999999999" };
  if (fraction.length > places) return { problem: `has too many digits after the point: at most ${places}` };
  return BigInt(whole + fraction.padEnd(places, "0"));
}

function problemOf(text: string): string {
  if (/^-[0-9.]+$/.test(text)) return "must be 0 or more";
  return 'must be a decimal number such as "12.50": digits, a point, digits; no sign, exponent or unit';
}
