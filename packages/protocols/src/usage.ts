/**
 * Usage: tokens of one answer by kind, disjoint: all inputs add up to everything the model read, all outputs to everything it
 * generated. Vendors include parts in their totals, each in its own way; `read-usage.ts` of a wire format takes them apart.
 */
export type Usage = {
  readonly input: number;
  readonly inputAudio: number;
  readonly inputImage?: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheWriteOther: number;
  readonly output: number;
  readonly outputReasoning: number;
  readonly outputAudio: number;
  readonly outputImage?: number;
  /** Calls of the vendor's own tools. */
  readonly webSearches?: number;
  readonly webFetches?: number;
  /** What the call was served at, as the vendor tells it; with a speed or region, joined by a plus: `fast+us`. */
  readonly serviceTier?: string;
  /** Counts that can't be: negative, absurd, no numbers, parts beyond their total. What is told here is bounded, not true. */
  readonly inconsistent?: true;
};

/** More tokens of a kind than any answer has; a larger count is the vendor's mistake, and this stands for it. */
const countMax = 1_000_000_000;

/** Reads the counts of one usage object, and keeps in mind whether all of them could be. */
export class CountReader {
  inconsistent = false;

  /** Absent and null are 0; what is no count is 0 as well, or the largest, and flagged: no answer can break the books. */
  count(value: unknown): number {
    if (value === undefined || value === null) return 0;
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= countMax) return value;
    this.inconsistent = true;
    if (typeof value !== "number" || Number.isNaN(value) || value < 0) return 0;
    return Math.min(Math.ceil(value), countMax);
  }

  /** What is left of a total when its parts are taken out. */
  rest(total: number, parts: number): number {
    if (parts > total) this.inconsistent = true;
    return Math.max(0, total - parts);
  }
}

/** A member that is an object, or an empty one. */
export function part(of: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = of[name];
  return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {};
}

/** A tier's name, where it could be one: it goes into records. */
export function tierName(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(value) ? value : undefined;
}

/** All kinds of tokens together. */
export function tokensOf(usage: Usage): number {
  return inputTokensOf(usage) + outputTokensOf(usage);
}

export function inputTokensOf(usage: Usage): number {
  const { input, inputAudio, inputImage = 0, cacheRead, cacheWrite5m, cacheWrite1h, cacheWriteOther } = usage;
  return input + inputAudio + inputImage + cacheRead + cacheWrite5m + cacheWrite1h + cacheWriteOther;
}

export function outputTokensOf(usage: Usage): number {
  const { output, outputReasoning, outputAudio, outputImage = 0 } = usage;
  return output + outputReasoning + outputAudio + outputImage;
}

/** Only the members that are there: usage is written into a record for every call. */
export function extras(told: {
  inputImage: number;
  outputImage: number;
  webSearches: number;
  webFetches: number;
  serviceTier: string | undefined;
  inconsistent: boolean;
}): Partial<Usage> {
  return {
    ...(told.inputImage > 0 ? { inputImage: told.inputImage } : {}),
    ...(told.outputImage > 0 ? { outputImage: told.outputImage } : {}),
    ...(told.webSearches > 0 ? { webSearches: told.webSearches } : {}),
    ...(told.webFetches > 0 ? { webFetches: told.webFetches } : {}),
    ...(told.serviceTier === undefined ? {} : { serviceTier: told.serviceTier }),
    ...(told.inconsistent ? { inconsistent: true as const } : {}),
  };
}
