/** What a model costs: US dollars per million tokens, by kind of token. What is left out costs the dearest that is sensible. */

import { z } from "zod";
import { decimalPrice, decimalUsd } from "./money.ts";

export const modelPrice = z.strictObject({
  inputPerMillion: decimalPrice.describe('Tokens read, in US dollars per million: `"2.50"`.'),
  outputPerMillion: decimalPrice.describe("Tokens written."),
  cacheReadPerMillion: decimalPrice.optional().describe("Tokens read from a cache. Left out: as input."),
  cacheWrite5mPerMillion: decimalPrice
    .optional()
    .describe("Tokens written to a cache for 5 minutes. Left out: as input; 1.25 times that at Anthropic."),
  cacheWrite1hPerMillion: decimalPrice
    .optional()
    .describe("Tokens written to a cache for an hour. Left out: as for 5 minutes; twice the input at Anthropic."),
  inputAudioPerMillion: decimalPrice.optional().describe("Audio read. Left out: as input."),
  inputImagePerMillion: decimalPrice.optional().describe("Images read. Left out: as input."),
  outputReasoningPerMillion: decimalPrice.optional().describe("Reasoning that is not shown. Left out: as output."),
  outputAudioPerMillion: decimalPrice.optional().describe("Audio written. Left out: as output."),
  outputImagePerMillion: decimalPrice.optional().describe("Images written. Left out: as output."),
  webSearchPerCall: decimalUsd
    .optional()
    .describe("A call of the vendor's own web search, in US dollars. Left out: the catalog's."),
});
