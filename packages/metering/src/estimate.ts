/**
 * Best estimates, for the record of a call whose vendor told no usage. They bound nothing: `bound.ts` does. Measured on
 * English text and code, vendors' tokenizers take 3.5 to 4 bytes a token.
 */

/** Of text, without what is base64 or media. */
export function estimateInputTokens(bodyBytes: number): number {
  return tokensOf(bodyBytes);
}

/** Of the text that an answer has shown so far; reasoning that is not shown is not in it. */
export function estimateOutputTokens(textBytes: number): number {
  return tokensOf(textBytes);
}

/** ceil(bytes / 3.5), in integers. */
function tokensOf(bytes: number): number {
  return Math.ceil((bytes * 2) / 7);
}
