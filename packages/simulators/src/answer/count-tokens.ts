/**
 * How many tokens a text has here: a quarter of its UTF-8 bytes, rounded up. No vendor's tokenizer, but the same figure
 * wherever it is asked for: an answer's usage, count_tokens and embeddings agree.
 */

export function tokensOfText(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** Of any JSON value: its texts and numbers, with a token for each object. Media is not counted by its base64. */
export function tokensOfJson(value: unknown): number {
  if (typeof value === "string") return value.startsWith("data:") ? mediaTokens : tokensOfText(value);
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + tokensOfJson(item), 0);
  if (typeof value !== "object" || value === null) return value === null || value === undefined ? 0 : 1;
  let sum = 1;
  for (const [name, member] of Object.entries(value)) {
    if (name === "cache_control") continue;
    sum += name === "data" && typeof member === "string" ? mediaTokens : tokensOfJson(member);
  }
  return sum;
}

/** An image, a document or a sound, whatever its size. */
const mediaTokens = 258;
