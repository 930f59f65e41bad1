/**
 * The knobs of a simulated call, by the one name that each has everywhere: in a model name, in `x-simulate`, in a test's
 * hook and in the README. Reading them is `read-knobs.ts`; obeying them is `plan-delivery.ts` and the vendors' folders.
 */

/** Knobs with a number; the value is what the bare name means, `undefined` where the number must be given. */
export const numberKnobs = {
  // When
  latency: undefined,
  "first-byte": undefined,
  "gap-ms": undefined,
  "tokens-per-second": undefined,
  drip: 1000,
  // What
  tokens: undefined,
  reasoning: undefined,
  cached: undefined,
  tools: undefined,
  searches: undefined,
  // Refusals
  status: undefined,
  "retry-after": undefined,
  "retry-after-ms": undefined,
  // Faults midway
  "reset-after": undefined,
  "close-after": undefined,
  "hang-up-after": undefined,
  "error-after": undefined,
  "stall-after": undefined,
  "cut-bytes": 1,
  // How often: the first n calls of one body alone are simulated badly
  times: undefined,
} as const satisfies Record<string, number | undefined>;

export const flagKnobs = [
  "reset",
  "silent",
  "stall-after-headers",
  "garbage",
  "gzip",
  "truncate-json",
  "content-free-error",
  "no-done",
  "no-usage",
  "huge-usage",
  "negative-usage",
  "string-usage",
  "inconsistent-usage",
  "usage-twice",
  "ignore-cap",
  "comments",
  "should-retry",
  "no-retry",
] as const;

type NumberKnob = keyof typeof numberKnobs;
type FlagKnob = (typeof flagKnobs)[number];

export type Knobs = { readonly [K in NumberKnob]?: number } & { readonly [K in FlagKnob]?: true };

/** A knob that nobody knows, or one without the number that it needs. */
export class KnobUnknown extends Error {
  override readonly name = "KnobUnknown";
  constructor(text: string) {
    super(`No simulator knob "${text}". Knobs: ${[...Object.keys(numberKnobs), ...flagKnobs].join(", ")}`);
  }
}
