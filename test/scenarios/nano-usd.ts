/** Exact: a decimal of dollars with up to nine places, as reports tell it. */
export function nanoUsd(text: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(9, "0"));
}
